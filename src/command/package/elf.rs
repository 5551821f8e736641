//! What a program asks of the machine that it shall run on.

use std::fmt;

use object::{
    Endianness,
    elf::{EM_X86_64, FileHeader64},
    read::elf::{FileHeader, ProgramHeader},
};

/// The C library that a program needs, by the newest symbols it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Libc {
    /// None: all it needs is in it.
    Static,
    /// glibc of this version, or a newer one.
    Glibc(Version),
}

/// Of glibc: 2.36 is (2, 36).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) u32, pub(super) u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl Version {
    /// Reads `GLIBC_2.34`; others, such as `GLIBC_PRIVATE` or `GCC_3.0`, are no version of glibc.
    fn of_symbol(name: &[u8]) -> Option<Self> {
        let mut parts = str::from_utf8(name).ok()?.strip_prefix("GLIBC_")?.split('.');
        Some(Self(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

/// Which C library this program needs.
///
/// # Errors
/// It is no program for Azure's machines, in words.
pub(super) fn libc(program: &[u8]) -> Result<Libc, String> {
    let broken = |error: object::Error| format!("it can't be read: {error}");
    let header = FileHeader64::<Endianness>::parse(program)
        .map_err(|_| "it is no 64-bit program for Linux (ELF)".to_owned())?;
    let endian = header.endian().map_err(broken)?;
    if header.e_machine(endian) != EM_X86_64 {
        return Err("it is for another processor than x86-64".to_owned());
    }
    let segments = header.program_headers(endian, program).map_err(broken)?;
    let interpreter = segments.iter().find_map(|segment| segment.interpreter(endian, program).transpose());
    let Some(loader) = interpreter.transpose().map_err(broken)? else { return Ok(Libc::Static) };
    let loader = String::from_utf8_lossy(loader).into_owned();
    if loader.contains("ld-musl") {
        return Err(format!("it is loaded by `{loader}`, which Azure's machines do not have"));
    }
    let sections = header.sections(endian, program).map_err(broken)?;
    let mut newest = Version(2, 0);
    if let Some((mut files, link)) = sections.gnu_verneed(endian, program).map_err(broken)? {
        let names = sections.strings(endian, program, link).map_err(broken)?;
        while let Some((_, mut symbols)) = files.next().map_err(broken)? {
            while let Some(symbol) = symbols.next().map_err(broken)? {
                let name = symbol.name(endian, names).map_err(broken)?;
                newest = newest.max(Version::of_symbol(name).unwrap_or(newest));
            }
        }
    }
    Ok(Libc::Glibc(newest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared_as_numbers() {
        assert_eq!(Version::of_symbol(b"GLIBC_2.2.5"), Some(Version(2, 2)));
        assert_eq!(Version::of_symbol(b"GLIBC_PRIVATE"), None);
        assert_eq!(Version::of_symbol(b"GCC_3.0"), None);
        assert!(Version(2, 9) < Version(2, 34));
    }

    #[test]
    fn what_is_no_program_for_azure_is_told_in_words() {
        assert!(libc(b"#!/bin/sh\n").unwrap_err().contains("ELF"));
        let mut program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        if cfg!(all(target_arch = "x86_64", target_env = "gnu")) {
            assert!(matches!(libc(&program), Ok(Libc::Glibc(newest)) if newest >= Version(2, 2)));
        }
        // The machine, <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>: 183 is AArch64.
        program[18] = 183;
        assert!(libc(&program).unwrap_err().contains("processor"));
    }
}
