use super::*;
use data_encoding::BASE64;
use proptest::prelude::*;

fn room(number: usize) -> RoomId {
    RoomId::from_bytes((number as u128).to_be_bytes())
}

fn hash(number: usize) -> Hash {
    Hash::from_bytes(*blake3::hash(&number.to_be_bytes()).as_bytes())
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count)
        .map(|number| leaf(&room(number), number as u64, &hash(number)))
        .collect()
}

/// The heads of so many rooms, and what is signed for all of them.
fn signed(count: usize) -> (Vec<SignedHead>, [u8; STATEMENT_BYTES]) {
    let tree = Tree::new(leaves(count)).unwrap();
    let heads = tree.paths().enumerate().map(|(number, path)| SignedHead {
        sequence: number as u64,
        hash: hash(number),
        signature: Signature::from_bytes([0; 64]),
        path,
    });
    (heads.collect(), statement(&tree.root()))
}

fn with_step(head: &SignedHead, place: usize, change: impl Fn(&mut Step)) -> SignedHead {
    let mut steps = head.path.steps().to_vec();
    change(&mut steps[place]);
    let path = Path::new(&steps).unwrap();
    SignedHead { path, ..head.clone() }
}

#[test]
fn every_path_leads_to_the_root_and_that_of_anything_else_does_not() {
    for count in [1, 2, 3, 5, 6, 7, 8, 9, 1000] {
        let (heads, statement) = signed(count);
        assert_eq!(heads.len(), count);
        for (number, head) in heads.iter().enumerate() {
            let holds = |head: &SignedHead, of: usize| head.statement(&room(of)) == statement;
            assert!(holds(head, number), "{number} of {count}");
            assert!(!holds(head, number + 1), "of another room");
            let sequence = head.sequence + 1;
            assert!(!holds(
                &SignedHead {
                    sequence,
                    ..head.clone()
                },
                number
            ));
            let hash = hash(count);
            assert!(!holds(&SignedHead { hash, ..head.clone() }, number));
            for place in 0..head.path.steps().len() {
                let sibling = with_step(head, place, |step| step.sibling = hash);
                assert!(!holds(&sibling, number), "step {place} of {number} of {count}");
                let side = with_step(head, place, |step| {
                    step.side = match step.side {
                        Side::Left => Side::Right,
                        Side::Right => Side::Left,
                    };
                });
                assert!(!holds(&side, number), "step {place} of {number} of {count}");
            }
            if let [_, shorter @ ..] = head.path.steps() {
                let path = Path::new(shorter).unwrap();
                assert!(!holds(&SignedHead { path, ..head.clone() }, number));
            }
        }
    }
    assert!(Tree::new(Vec::new()).is_none());
}

#[test]
fn paths_have_a_step_for_each_doubling_at_most_and_one_leaf_has_none() {
    let lengths = |count| -> Vec<usize> {
        let (heads, _) = signed(count);
        heads.iter().map(|head| head.path.steps().len()).collect()
    };
    assert_eq!(lengths(1), [0]);
    assert_eq!(lengths(2), [1, 1]);
    assert_eq!(lengths(3), [2, 2, 1]);
    assert_eq!(lengths(5), [3, 3, 3, 3, 1]);
    assert_eq!(lengths(1000).iter().max(), Some(&10));
}

#[test]
fn a_node_is_no_leaf() {
    // What stands above two heads cannot be passed off as the head of a room.
    let [left, right] = [hash(1), hash(2)];
    let bytes = [&left.as_bytes()[..], right.as_bytes()].concat();
    let (as_room, rest) = bytes.split_at(16);
    let (as_sequence, as_hash) = rest.split_at(8);
    let room = RoomId::from_bytes(as_room.try_into().unwrap());
    let sequence = u64::from_be_bytes(as_sequence.try_into().unwrap());
    let as_leaf = leaf(
        &room,
        sequence,
        &Hash::from_bytes(as_hash[..32].try_into().unwrap()),
    );
    assert_ne!(as_leaf, node(&left, &right));
}

/// Reckoned by another program, by what is written down of the format: others verify heads by it.
#[test]
fn the_format_is_what_it_was() {
    let (heads, statement) = signed(3);
    let vectors = [
        (
            leaves(3)[0].to_string(),
            "1604e850ac9046d01070da353fe40521af2aa67947ce54c0e3915cdb4f6d1ebe",
        ),
        (
            Tree::new(leaves(3)).unwrap().root().to_string(),
            "81c4e62fca69a6e3b9ee0403f6723df73ef75ae2fee093018f5bfd21c361a40f",
        ),
        (
            data_encoding::HEXLOWER.encode(&statement),
            "4c616e646c696e652068656164732076310081c4e62fca69a6e3b9ee0403f6723df73ef75ae2fee093018f5bfd21c361a40f",
        ),
        (
            heads[1].path.to_string(),
            "ABYE6FCskEbQEHDaNT/kBSGvKqZ5R85UwOORXNtPbR6+AZNLRzq3vHZixACuUxBgnfWcAe2yK4PKZlX2yrWP7kMq",
        ),
        (
            heads[2].path.to_string(),
            "AGRJHTzryvLcshp8OFOdKvXfL0nOTML1ieGrbaUXKtkm",
        ),
    ];
    for (found, expected) in vectors {
        assert_eq!(found, expected);
    }
}

#[test]
fn a_head_comes_through_as_json_and_one_without_a_path_has_an_empty_one() {
    for count in [1, 2, 1000] {
        let (heads, _) = signed(count);
        let head = heads.last().unwrap();
        let text = serde_json::to_string(head).unwrap();
        assert_eq!(text.contains("path"), count > 1, "{text}");
        assert_eq!(serde_json::from_str::<SignedHead>(&text).unwrap(), *head);
    }
}

#[test]
fn what_is_no_path_is_refused() {
    let step = Step {
        side: Side::Right,
        sibling: hash(1),
    };
    let longest = Path::new(&[step; PATH_MAX]).unwrap();
    assert_eq!(longest.to_string().parse(), Ok(longest.clone()));
    assert_eq!(Path::new(&[step; PATH_MAX + 1]), Err(PathError::TooLong));
    let one = Path::new(&[step]).unwrap().to_string();
    assert_eq!(format!("{longest}{one}").parse::<Path>(), Err(PathError::TooLong));
    assert_eq!("x".repeat(1 << 20).parse::<Path>(), Err(PathError::TooLong));
    let side = BASE64.encode(&[2; 33]);
    let short = BASE64.encode(&[0; 32]);
    for text in [
        "A",
        &one[..43],
        &format!("{one}A"),
        &one.replace('A', "\0"),
        &side,
        &short,
        &"é".repeat(22),
    ] {
        assert_eq!(text.parse::<Path>(), Err(PathError::Malformed), "{text:?}");
    }
    let json = format!(
        r#"{{"sequence":1,"hash":"{}","signature":"{}","path":"{longest}{one}"}}"#,
        hash(1),
        "0".repeat(128)
    );
    assert!(serde_json::from_str::<SignedHead>(&json).is_err());
}

proptest! {
    #[test]
    fn whatever_is_taken_for_a_path_reads_the_same_again(text in "[A-Za-z0-9+/=]{0,100}|(A[AQ][A-Za-z0-9+/]{42}){0,33}") {
        if let Ok(path) = text.parse::<Path>() {
            prop_assert_eq!(path.to_string(), text);
        }
    }
}
