//! Where passwords and other secrets come from: a terminal, standard input or the environment; never the arguments.

use crate::context::Usage;
use anyhow::{Context as _, Result, bail};
use landline_model::protocol::people::{PASSWORD_MAX, Secret};
use std::io::{BufRead, IsTerminal as _, Read as _};

/// The variable that holds the password where nobody can type one.
pub(crate) const PASSWORD_VARIABLE: &str = "LANDLINE_PASSWORD";

/// The password that was given without asking: the next line of standard input with `--password-stdin`, else the
/// variable's value.
pub(crate) fn given(from_input: bool, input: &mut impl BufRead) -> Result<Option<Secret>> {
    if from_input {
        return match line(input, PASSWORD_MAX)?.filter(|password| !password.is_empty()) {
            Some(password) => Ok(Some(Secret(password))),
            None => bail!(Usage::new(
                "there is no password on standard input",
                "printf '%s\\n' PASSWORD | landline ..."
            )),
        };
    }
    match std::env::var(PASSWORD_VARIABLE) {
        Ok(password) if password.is_empty() => Ok(None),
        Ok(password) => checked(password).map(Some),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(error) => Err(error).context(PASSWORD_VARIABLE),
    }
}

/// Asks for a password that there is; none where nobody can be asked.
pub(crate) fn ask(prompt: &str) -> Result<Option<Secret>> {
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let password = rpassword::prompt_password(prompt).context("the password cannot be read")?;
    checked(password).map(Some)
}

/// Asks for a new password, twice; none where nobody can be asked, or nothing was typed.
pub(crate) fn ask_new(prompt: &str) -> Result<Option<Secret>> {
    let Some(password) = ask(prompt)?.filter(|password| !password.0.is_empty()) else {
        return Ok(None);
    };
    match ask("The same again: ")? {
        Some(again) if again == password => Ok(Some(password)),
        _ => bail!("the two passwords are not the same; nothing was changed"),
    }
}

/// The next line of `input`, without its end; none where there is no more.
pub(crate) fn line(input: &mut impl BufRead, longest: usize) -> Result<Option<String>> {
    let mut bytes = Vec::new();
    // One more than is allowed, and the line's end.
    input.take(longest as u64 + 2).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if bytes.len() > longest {
        bail!("a line on standard input has more than {longest} bytes");
    }
    String::from_utf8(bytes)
        .map(Some)
        .context("a line on standard input is not UTF-8 text")
}

fn checked(password: String) -> Result<Secret> {
    if password.len() > PASSWORD_MAX {
        bail!("the password has more than {PASSWORD_MAX} bytes");
    }
    Ok(Secret(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_one_after_another_and_are_never_longer_than_allowed() {
        let mut input = &b"link\r\nsecret\n\nrest"[..];
        let mut next = || line(&mut input, 10).unwrap();
        assert_eq!(next().as_deref(), Some("link"));
        assert_eq!(next().as_deref(), Some("secret"));
        assert_eq!(next().as_deref(), Some(""));
        assert_eq!(next().as_deref(), Some("rest"));
        assert_eq!(next(), None);
        assert!(line(&mut &b"12345678901\n"[..], 10).is_err());
        assert!(line(&mut &b"\xff\n"[..], 10).is_err());
        assert_eq!(
            line(&mut &b"1234567890\n"[..], 10).unwrap().as_deref(),
            Some("1234567890")
        );
    }

    #[test]
    fn an_empty_password_on_standard_input_is_a_mistake() {
        assert!(given(true, &mut &b""[..]).is_err());
        assert!(given(true, &mut &b"\n"[..]).is_err());
        assert_eq!(
            given(true, &mut &b"s3cret\n"[..]).unwrap(),
            Some(Secret("s3cret".to_owned()))
        );
    }
}
