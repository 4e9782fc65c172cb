//! Remote paths and the names in them: nothing that leads elsewhere gets in, and what got in is safe to show.
#![no_main]

use landline_model::path::{COMPONENT_MAX, Component, DEPTH_MAX, PATH_MAX, RemotePath};
use libfuzzer_sys::fuzz_target;
use std::fmt::Display;

fuzz_target!(|data: &[u8]| {
    if let Ok(path) = RemotePath::parse(data) {
        sound(&path);
    }
    if let Ok(path) = serde_json::from_slice::<RemotePath>(data) {
        sound(&path);
    }
    if let Ok(name) = serde_json::from_slice::<Component>(data) {
        sound_name(&name);
    }
    if let Ok(name) = Component::new(data) {
        assert_eq!(name.as_bytes(), data);
        sound_name(&name);
        let space = RemotePath::parse(b"/shared").expect("a space");
        let below = space.join(name.clone()).expect("one name is not too long");
        assert_eq!(below.split_last(), Some((&[][..], &name)));
        sound(&below);
    }
});

fn sound(path: &RemotePath) {
    let bytes = path.to_bytes();
    assert!(bytes.len() <= PATH_MAX && path.components.len() <= DEPTH_MAX);
    assert!(!bytes.contains(&0));
    path.components.iter().for_each(sound_name);
    assert_eq!(RemotePath::parse(&bytes).as_ref(), Ok(path));
    let json = serde_json::to_vec(path).expect("a path is plain data");
    assert_eq!(
        serde_json::from_slice::<RemotePath>(&json).ok().as_ref(),
        Some(path)
    );
    safe_to_show(path);
}

fn sound_name(name: &Component) {
    let bytes = name.as_bytes();
    assert!((1..=COMPONENT_MAX).contains(&bytes.len()));
    assert!(bytes != b"." && bytes != b".." && !bytes.contains(&b'/') && !bytes.contains(&0));
    let json = serde_json::to_vec(name).expect("a name is plain data");
    assert_eq!(
        serde_json::from_slice::<Component>(&json).ok().as_ref(),
        Some(name)
    );
    safe_to_show(name);
}

fn safe_to_show(shown: &impl Display) {
    let text = shown.to_string();
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert!(
        !text.contains(['\u{2028}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}']),
        "{text:?}"
    );
}
