//! QR codes made of half blocks.

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

/// The code of a link, two modules to a character, as most terminals (light on dark) show it; none where the text is
/// too long for one.
pub(crate) fn code(text: &str) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    Some(
        code.render::<Dense1x2>()
            .dark_color(Dense1x2::Light)
            .light_color(Dense1x2::Dark)
            .build(),
    )
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn a_code_is_a_rectangle_of_half_blocks() {
        let code = code("https://192.0.2.1:5263/join#abc.def").unwrap();
        let widths: Vec<usize> = code.lines().map(|line| line.chars().count()).collect();
        assert!(
            widths.len() > 10 && widths.iter().all(|width| *width == widths[0]),
            "{widths:?}"
        );
        assert!(code.chars().all(|character| " \n█▀▄".contains(character)));
    }
}
