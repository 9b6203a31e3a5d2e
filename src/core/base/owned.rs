//! Turns borrowed names into owned ones, for operations that outlive their caller.

use std::borrow::Cow;

/// An owned copy of borrowed text or bytes.
pub(crate) fn own<T: ToOwned + ?Sized + 'static>(text: Cow<'_, T>) -> Cow<'static, T> {
    Cow::Owned(text.into_owned())
}
