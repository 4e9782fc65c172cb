//! The JSON before a file, in the two kinds that are taught.
//!
//! A: `{"cmd":"put","filename":"a.txt","filesize":123}`, also with `get` (no size) and `error` (a message).
//! B: `{"file_size":123,"file_name":"/a/b/c/a.txt","md5":"8f6f..."}`, always a put.
//!
//! Members that mean nothing here are passed over. An `md5` is looked at in both kinds.

use landline_wire::{FramingError, HeaderCodec, JsonHeader};
use serde::{Deserialize, Serialize};

use super::content_md5::Md5Digest;
use super::file_name::{FileName, FileNameError};

/// How much of a peer's own words an error repeats, in characters.
const QUOTE_MAX: usize = 120;

/// Which header a client puts before its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutHeader {
    /// With `cmd`, `filename` and `filesize`.
    A,
    /// With `file_size`, `file_name` and `md5`, the MD5 of all that will be sent.
    B(Md5Digest),
}

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// A file follows.
    Put(Put),
    /// A file is asked for. The name may be no name: that is a reason to say no, not to break up.
    Get(Result<FileName, FileNameError>),
    /// A request was refused, with these words. They are the peer's: not yet fit for a terminal.
    Error(String),
    /// A `cmd` that we do not know, cut short.
    Unknown(String),
}

/// A file that follows its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Put {
    pub(super) name: FileName,
    /// In bytes.
    pub(super) size: u64,
    pub(super) md5: Option<Md5Digest>,
}

/// The most bytes that a file can have: an offset in one is a signed number of 64 bits (off_t).
const FILE_MAX: u64 = i64::MAX.unsigned_abs();

/// Why a header leads nowhere: where the next one begins is not known, so the connection is over. The peer is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Its length or its form.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// A member of the wrong type, or there twice.
    #[error("a header that cannot be: {0}")]
    Member(String),
    /// No name, or no size.
    #[error("a header without {0:?}")]
    Missing(&'static str),
    /// More bytes than any file has.
    #[error("a header that announces {0} bytes, more than any file has")]
    TooLong(u64),
    /// The file's name.
    #[error(transparent)]
    Name(#[from] FileNameError),
    /// The `md5` is not 32 hexadecimal digits.
    #[error("a header whose md5 is none")]
    Md5,
}

impl Header {
    /// Takes the next header off the front of `input`; `None` while it is not whole.
    pub(super) fn decode(codec: &HeaderCodec, input: &mut &[u8]) -> Result<Option<Self>, HeaderError> {
        match codec.decode(input)? {
            Some(json) => Self::read(&json).map(Some),
            None => Ok(None),
        }
    }

    fn read(json: &JsonHeader<'_>) -> Result<Self, HeaderError> {
        let members: Members = serde_json::from_str(json.as_str())
            .map_err(|error| HeaderError::Member(quote(&error.to_string())))?;
        match members.cmd.as_deref() {
            None => members.put(
                members.file_name.as_deref(),
                members.file_size,
                ["file_name", "file_size"],
            ),
            Some("put") => members.put(
                members.filename.as_deref(),
                members.filesize,
                ["filename", "filesize"],
            ),
            Some("get") => {
                let name = members
                    .filename
                    .as_deref()
                    .ok_or(HeaderError::Missing("filename"))?;
                Ok(Self::Get(FileName::base_of(name)))
            }
            Some("error") => Ok(Self::Error(quote(members.message.as_deref().unwrap_or_default()))),
            Some(other) => Ok(Self::Unknown(quote(other))),
        }
    }
}

/// Every member of either kind. Two of one name are refused, and so is a size that is not a whole number of 64 bits.
#[derive(Debug, Deserialize)]
struct Members {
    cmd: Option<String>,
    filename: Option<String>,
    filesize: Option<u64>,
    file_name: Option<String>,
    file_size: Option<u64>,
    md5: Option<String>,
    message: Option<String>,
}

impl Members {
    fn put(
        &self,
        name: Option<&str>,
        size: Option<u64>,
        called: [&'static str; 2],
    ) -> Result<Header, HeaderError> {
        let name = FileName::base_of(name.ok_or(HeaderError::Missing(called[0]))?)?;
        let size = size.ok_or(HeaderError::Missing(called[1]))?;
        if size > FILE_MAX {
            return Err(HeaderError::TooLong(size));
        }
        let md5 = match &self.md5 {
            Some(digits) => Some(Md5Digest::from_hex(digits).ok_or(HeaderError::Md5)?),
            None => None,
        };
        Ok(Header::Put(Put { name, size, md5 }))
    }
}

/// What we write; the members stand in the order in which the courses write them.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Written<'a> {
    PutA {
        cmd: &'static str,
        filename: &'a str,
        filesize: u64,
    },
    PutB {
        file_size: u64,
        file_name: &'a str,
        md5: String,
    },
    Get {
        cmd: &'static str,
        filename: &'a str,
    },
    Error {
        cmd: &'static str,
        message: &'a str,
    },
}

impl<'a> Written<'a> {
    pub(super) fn put(name: &'a FileName, size: u64, kind: PutHeader) -> Self {
        match kind {
            PutHeader::A => Self::PutA {
                cmd: "put",
                filename: name.as_str(),
                filesize: size,
            },
            PutHeader::B(md5) => Self::PutB {
                file_size: size,
                file_name: name.as_str(),
                md5: md5.to_string(),
            },
        }
    }

    pub(super) fn get(name: &'a FileName) -> Self {
        Self::Get {
            cmd: "get",
            filename: name.as_str(),
        }
    }

    pub(super) fn error(message: &'a str) -> Self {
        Self::Error {
            cmd: "error",
            message,
        }
    }

    /// The bytes, with the length before them.
    pub(super) fn encode(&self, codec: &HeaderCodec) -> Result<Vec<u8>, FramingError> {
        let mut bytes = Vec::new();
        codec.encode(self, &mut bytes)?;
        Ok(bytes)
    }
}

/// The beginning of what a peer said.
fn quote(words: &str) -> String {
    words.chars().take(QUOTE_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::super::content_md5::ContentMd5;
    use super::*;

    fn read(json: &str) -> Result<Header, HeaderError> {
        let mut bytes = i32::try_from(json.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend_from_slice(json.as_bytes());
        Header::decode(&HeaderCodec::default(), &mut &bytes[..]).map(Option::unwrap)
    }

    fn put(name: &str, size: u64, md5: Option<&str>) -> Header {
        let md5 = md5.map(|digits| Md5Digest::from_hex(digits).unwrap());
        Header::Put(Put {
            name: FileName::base_of(name).unwrap(),
            size,
            md5,
        })
    }

    #[test]
    fn both_kinds_are_read_as_the_courses_write_them() {
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        let b = format!(r#"{{"file_size": 1073741824000, "file_name": "/a/b/c/a.txt", "md5": "{md5}"}}"#);
        assert_eq!(
            read(r#"{"cmd":"put","filename":"a.txt","filesize":123}"#),
            Ok(put("a.txt", 123, None))
        );
        assert_eq!(read(&b), Ok(put("a.txt", 1_073_741_824_000, Some(md5))));
        assert_eq!(
            read(r#"{"filename":"\u540d","x":[1],"filesize":9223372036854775807,"cmd":"put","md5":null}"#),
            Ok(put("名", FILE_MAX, None))
        );
        assert_eq!(
            read(r#"{"cmd":"get","filename":"b"}"#),
            Ok(Header::Get(FileName::base_of("b")))
        );
        assert_eq!(
            read(r#"{"cmd":"get","filename":".."}"#),
            Ok(Header::Get(Err(FileNameError::Directory)))
        );
    }

    #[test]
    fn a_size_that_no_file_can_have_is_refused() {
        for size in [FILE_MAX + 1, u64::MAX] {
            let json = format!(r#"{{"cmd":"put","filename":"a","filesize":{size}}}"#);
            assert_eq!(read(&json), Err(HeaderError::TooLong(size)));
        }
    }

    #[test]
    fn a_size_that_is_no_number_of_bytes_is_refused_in_either_kind() {
        for size in [
            "-1",
            "1.5",
            "1.0",
            "1e3",
            "\"3\"",
            "true",
            "[]",
            "18446744073709551616",
            "-0.0",
        ] {
            for json in [
                format!(r#"{{"cmd":"put","filename":"a","filesize":{size}}}"#),
                format!(r#"{{"file_name":"a","file_size":{size}}}"#),
            ] {
                let result = read(&json);
                assert!(
                    matches!(result, Err(HeaderError::Member(_))),
                    "{json}: {result:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_missing_is_refused_and_named() {
        for (json, missing) in [
            (r#"{"cmd":"put","filename":"a"}"#, "filesize"),
            (r#"{"cmd":"put","filename":"a","filesize":null}"#, "filesize"),
            (r#"{"cmd":"put","filesize":1}"#, "filename"),
            (r#"{"cmd":"put","file_name":"a","file_size":1}"#, "filename"),
            (r#"{"file_name":"a"}"#, "file_size"),
            (r#"{"filename":"a","filesize":1}"#, "file_name"),
            (r#"{"cmd":"get"}"#, "filename"),
        ] {
            assert_eq!(read(json), Err(HeaderError::Missing(missing)), "{json}");
        }
    }

    #[test]
    fn members_of_the_wrong_type_or_there_twice_are_refused() {
        for json in [
            r#"{"cmd":5}"#,
            r#"{"cmd":"put","filename":["a"],"filesize":1}"#,
            r#"{"cmd":"put","filename":"a","filesize":1,"filesize":2}"#,
            r#"{"cmd":"put","cmd":"get","filename":"a","filesize":1}"#,
        ] {
            let result = read(json);
            assert!(
                matches!(result, Err(HeaderError::Member(_))),
                "{json}: {result:?}"
            );
        }
        assert_eq!(
            read(r#"{"file_name":"a","file_size":1,"md5":"8f6f"}"#),
            Err(HeaderError::Md5)
        );
        assert_eq!(
            read(r#"{"file_name":"a/..","file_size":1}"#),
            Err(HeaderError::Name(FileNameError::Directory))
        );
    }

    #[test]
    fn a_long_unknown_word_is_cut_short() {
        let json = format!(r#"{{"cmd":"{}"}}"#, "é".repeat(9_999));
        assert_eq!(read(&json), Ok(Header::Unknown("é".repeat(QUOTE_MAX))));
    }

    #[test]
    fn what_is_written_has_the_bytes_that_the_courses_expect() {
        let codec = HeaderCodec::default();
        let name = FileName::base_of("a.txt").unwrap();
        let md5 = ContentMd5::default().finish();
        for (written, json) in [
            (
                Written::put(&name, 123, PutHeader::A),
                r#"{"cmd":"put","filename":"a.txt","filesize":123}"#,
            ),
            (
                Written::put(&name, 0, PutHeader::B(md5)),
                r#"{"file_size":0,"file_name":"a.txt","md5":"d41d8cd98f00b204e9800998ecf8427e"}"#,
            ),
            (Written::get(&name), r#"{"cmd":"get","filename":"a.txt"}"#),
            (Written::error("no"), r#"{"cmd":"error","message":"no"}"#),
        ] {
            let bytes = written.encode(&codec).unwrap();
            assert_eq!(bytes[..4], i32::try_from(json.len()).unwrap().to_le_bytes());
            assert_eq!(&bytes[4..], json.as_bytes());
        }
    }
}
