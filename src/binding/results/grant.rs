//! What logins and refreshes are told as.

use napi_derive::napi;

/// Tokens, handed out once.
#[napi(object)]
pub struct NativeGrant {
    pub access_token: String,
    pub refresh_token: String,
    /// When the access token expires.
    pub expires_at: f64,
    pub refresh_expires_at: f64,
}

/// Why there are none.
#[napi(object)]
pub struct NativeRefusal {
    /// `invalid`, `expired`, `revoked` or `reused`.
    pub reason: String,
    /// Of a session that was ended by it.
    pub user_id: Option<String>,
    pub session_id: Option<String>,
}
