//! Sets up the build of the addon, and writes the texts of the Redis scripts (see src/store/redis/protocol/lua_text.rs).

use std::path::{Path, PathBuf};
use std::{env, fs};

#[allow(dead_code, reason = "the crate uses the rest")]
#[path = "src/store/redis/protocol/layout.rs"]
mod layout;
#[path = "src/core/base/limits.rs"]
mod limits;
#[path = "src/store/redis/protocol/lua_text.rs"]
mod lua_text;
#[path = "src/store/redis/protocol/numbers.rs"]
mod numbers;
#[allow(dead_code, reason = "the crate uses the rest")]
#[path = "src/store/redis/protocol/pack.rs"]
mod pack;

/// The path under which layout.rs finds the limits.
mod core {
    pub(crate) mod base {
        pub(crate) use crate::limits;
    }
}

fn main() {
    if env::var_os("CARGO_FEATURE_BINDING").is_some() {
        napi_build::setup();
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/core/base/limits.rs");
    println!("cargo::rerun-if-changed=src/store/redis/lua");
    println!("cargo::rerun-if-changed=src/store/redis/protocol");
    if let Err(problem) = write_scripts() {
        println!("cargo::error={problem}");
    }
}

fn write_scripts() -> Result<(), String> {
    let root = Path::new("src/store/redis/lua");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?).join("lua");
    // Files that have gone must not stay.
    if out.exists() {
        fs::remove_dir_all(&out).map_err(|error| error.to_string())?;
    }
    let names = lua_text::unique(layout::names())?;
    for file in lua_text::scripts(root)? {
        let text = lua_text::script(root, &file, &names)?;
        let target = out.join(&file);
        let folder = target.parent().ok_or("a script without a folder")?;
        fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        fs::write(&target, text).map_err(|error| error.to_string())?;
    }
    Ok(())
}
