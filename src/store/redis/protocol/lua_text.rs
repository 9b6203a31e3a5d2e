//! Turns the Lua sources into the texts of the scripts: resolves includes, replaces names by declared formats and numbers, and
//! removes comments. Refuses formats and numbers that layout.rs and numbers.rs do not declare. build.rs runs it; the
//! crate compiles it only for its tests.
//!
//! - `--- @include "folder/file.lua"` on a line of its own is replaced by that file. A file is a whole chunk of Lua.
//! - A name in capitals, such as `HEAD` or `NEVER`, is a format of layout.rs or a number of numbers.rs. KEYS and ARGV are the server's.
//! - A number other than 0, 1 and 2 needs a name, except as an index of KEYS, ARGV or `found`. `found` holds the fields that
//!   a command names. A format of `struct.pack` needs a name too.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Names and their values.
pub type Names = HashMap<String, String>;

/// Returns the declared names as a map, or the name that is declared twice.
pub fn unique(names: Vec<(String, String)>) -> Result<Names, String> {
    let mut unique = Names::new();
    for (name, value) in names {
        if unique.insert(name.clone(), value).is_some() {
            return Err(format!("{name} is declared twice"));
        }
    }
    Ok(unique)
}

/// The line that makes a file a script; a file without it is a library.
const PRELUDE: &str = "--- @include \"base/prelude.lua\"";

/// Returns the files below a folder that are scripts, relative to it, sorted.
pub fn scripts(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut scripts = Vec::new();
    for file in files(root)? {
        let source = fs::read_to_string(root.join(&file))
            .map_err(|error| format!("{}: {error}", file.display()))?;
        if source.lines().any(|line| line == PRELUDE) {
            scripts.push(file);
        }
    }
    Ok(scripts)
}

/// Returns every file below a folder whose name ends in `.lua`, relative to it, sorted.
fn files(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries {
            let path = entry.map_err(|error| error.to_string())?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "lua") {
                found.push(path.strip_prefix(root).map_err(|error| error.to_string())?.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the text of the script in that file.
pub fn script(root: &Path, file: &Path, names: &Names) -> Result<String, String> {
    let mut text = String::new();
    expand(root, file, names, &mut Vec::new(), &mut text)?;
    Ok(text)
}

fn expand(
    root: &Path,
    file: &Path,
    names: &Names,
    around: &mut Vec<PathBuf>,
    text: &mut String,
) -> Result<(), String> {
    if around.iter().any(|outer| outer == file) {
        return Err(format!("{} includes itself", file.display()));
    }
    around.push(file.to_owned());
    let source = fs::read_to_string(root.join(file))
        .map_err(|error| format!("{}: {error}", file.display()))?;
    for (at, line) in source.lines().enumerate() {
        let place = |problem| format!("{}:{}: {problem}", file.display(), at + 1);
        if let Some(included) = line.trim().strip_prefix("--- @include ") {
            let included = included.trim().trim_matches('"');
            expand(root, Path::new(included), names, around, text)?;
            continue;
        }
        let code = translate(line, names).map_err(place)?;
        if !code.is_empty() {
            text.push_str(&code);
            text.push('\n');
        }
    }
    around.pop();
    Ok(())
}

/// Returns a line without its comment and its outer spaces, and with the values of its names.
fn translate(line: &str, names: &Names) -> Result<String, String> {
    let mut code = String::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '-' if rest.starts_with("--[") => return Err("a comment ends with its line".to_owned()),
            '-' if rest.starts_with("--") => break,
            '[' if rest.starts_with("[[") => return Err("a text ends with its line".to_owned()),
            '\'' | '"' => literal(rest, first)?,
            _ if first.is_ascii_digit() => word(rest, |c| c.is_ascii_alphanumeric() || c == '.'),
            _ if is_name(first) => word(rest, is_name),
            _ => first.len_utf8(),
        };
        let (token, tail) = rest.split_at(length);
        if first.is_ascii_digit() {
            check_number(token, &code)?;
        }
        code.push_str(if is_capital(token) { value(token, names)? } else { token });
        rest = tail;
    }
    Ok(code.trim_end().to_owned())
}

const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Whether a token is a name in capitals.
fn is_capital(token: &str) -> bool {
    token.len() > 1
        && token.starts_with(|c: char| c.is_ascii_uppercase())
        && token.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

fn word(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// The bytes of the string that the text begins with.
fn literal(text: &str, quote: char) -> Result<usize, String> {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !is_escaped {
            let inner = &text[1..at];
            if inner.starts_with(['>', '<', '=']) && inner.len() > 1 {
                return Err(format!("the format {inner} belongs in layout.rs"));
            }
            return Ok(at + 1);
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    Err("a text ends with its line".to_owned())
}

fn check_number(number: &str, before: &str) -> Result<(), String> {
    let is_index = ["KEYS[", "ARGV[", "found["].iter().any(|of| before.ends_with(of));
    if matches!(number, "0" | "1" | "2") || is_index {
        return Ok(());
    }
    Err(format!("the number {number} needs a name in numbers.rs"))
}

fn value<'a>(name: &'a str, names: &'a Names) -> Result<&'a str, String> {
    if matches!(name, "KEYS" | "ARGV") {
        return Ok(name);
    }
    names
        .get(name)
        .map(String::as_str)
        .ok_or_else(|| format!("layout.rs and numbers.rs declare no {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(line: &str) -> Result<String, String> {
        let names = vec![("HEAD", "'>I6I4'"), ("NEVER", "281474976710655")];
        let names = names.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        translate(line, &unique(names.collect()).unwrap())
    }

    #[test]
    fn names_become_values_and_comments_go() {
        let packed = line("  local head = struct.pack(HEAD, NEVER, 0) -- The head.").unwrap();
        assert_eq!(packed, "local head = struct.pack('>I6I4', 281474976710655, 0)");
        assert_eq!(line("-- NOTHING").unwrap(), "");
        let text = "redis.call('SET', KEYS[4], ARGV[12], 'a -- b')";
        assert_eq!(line(text).unwrap(), text);
        assert_eq!(line("x = its_HEAD").unwrap(), "x = its_HEAD");
    }

    #[test]
    fn undeclared_formats_and_numbers_are_refused() {
        let refused = [
            "local x = 3",
            "local x = y[41]",
            "local x = 3600000",
            "local x = 0.5",
            "struct.pack('>I6', now)",
            "local SLACK = 1",
            "--[[ a comment ]]",
            "local x = [[text]]",
            "local x = 'open",
        ];
        for text in refused {
            assert!(line(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_has_one_value() {
        let twice = ["1", "2"].map(|value| ("HEAD".to_owned(), value.to_owned()));
        assert!(unique(Vec::from(twice)).is_err());
        assert!(unique(crate::store::redis::protocol::layout::names()).is_ok());
    }

    #[test]
    fn a_file_that_includes_itself_is_refused() {
        let root = std::env::temp_dir().join(format!("latchgate-lua-{}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        let write = |name: &str, text: &str| fs::write(root.join(name), text).unwrap();
        write("a.lua", "local a = 1\n--- @include \"b.lua\"\nreturn a\n");
        write("b.lua", "-- A library.\nlocal b = HEAD\n");
        let names = unique(vec![("HEAD".to_owned(), "'>I6'".to_owned())]).unwrap();
        let text = script(&root, Path::new("a.lua"), &names);
        write("b.lua", "--- @include \"a.lua\"\n");
        let circle = script(&root, Path::new("a.lua"), &names);
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(text.unwrap(), "local a = 1\nlocal b = '>I6'\nreturn a\n");
        assert!(circle.unwrap_err().contains("includes itself"));
    }

    #[test]
    fn every_script_states_its_inputs_and_its_reply() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/redis/lua");
        let read = |file: &Path| fs::read_to_string(root.join(file)).unwrap();
        for file in files(&root).unwrap() {
            assert!(read(&file).starts_with("--"), "{}: without a comment", file.display());
        }
        let scripts = scripts(&root).unwrap();
        for file in &scripts {
            let text = read(file);
            let head: String = text.lines().take_while(|line| line.starts_with("-- ")).collect();
            for stated in ["KEYS[", "Reply:"] {
                assert!(head.contains(stated), "{}: states no {stated}", file.display());
            }
            assert_eq!(text.contains("ARGV["), head.contains("ARGV["), "{}", file.display());
        }
        assert_eq!(scripts.len(), crate::core::script::Script::ALL.len());
    }
}
