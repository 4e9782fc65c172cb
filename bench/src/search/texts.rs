//! Messages to search, and what to search them for: the same in every run.

/// About as long as the texts of the other measurements.
const TEXT_BYTES: usize = 60;

const ENGLISH: &str = "the quick brown fox jumps over a lazy dog port server network cable switch reboot please check log \
    file upload share message room today tomorrow meeting lunch coffee build test release fix bug error warning device \
    sensor motor valve pump pressure temperature is it not working again who has time for this in lab two";

const CHINESE: &str = "今天天气很好我们明天见会议网络服务器重启请检查日志文件上传分享消息房间午饭咖啡构建测试发布修复错误警告设备\
    传感器电机阀门泵压力温度是的不了在有这个上他一来到说时大地为子中你生国年着就那和要她出也得里后自以可";

/// Rare ones stand between them: the first characters of this block and as many behind it.
const RARE: (u32, u64) = (0x4e00, 3000);

/// Texts without end: one in English, one in Chinese, and so on.
pub(super) struct Texts {
    english: Vec<&'static str>,
    chinese: Vec<char>,
    count: u64,
    state: u64,
}

impl Texts {
    pub(super) fn new() -> Self {
        Self {
            english: ENGLISH.split_whitespace().collect(),
            chinese: CHINESE
                .chars()
                .filter(|character| !character.is_whitespace())
                .collect(),
            count: 0,
            state: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// What to search for: of each kind as many as of every other.
    pub(super) fn queries(&mut self) -> Vec<(Kind, String)> {
        /// Of each kind.
        const QUERIES: usize = 40;
        let mut queries = Vec::with_capacity(Kind::ALL.len() * QUERIES);
        for _ in 0..QUERIES {
            for kind in Kind::ALL {
                queries.push((kind, self.query(kind)));
            }
        }
        queries
    }

    fn query(&mut self, kind: Kind) -> String {
        let mut chinese = |count: usize| (0..count).map(|_| self.character()).collect::<String>();
        match kind {
            Kind::One => chinese(1),
            Kind::Two => chinese(2),
            Kind::Three => chinese(3),
            Kind::Word => self.word().to_owned(),
            Kind::Words => format!("{} {} {}", self.word(), self.word(), self.word()),
            Kind::Absent => format!("{}{}qx", self.word(), self.word()),
        }
    }

    fn word(&mut self) -> &'static str {
        let number = self.below(self.english.len() as u64);
        self.english[number]
    }

    /// Those at the beginning are more frequent than those at the end, as in any language.
    fn character(&mut self) -> char {
        let many = self.chinese.len() as u64;
        let number = self.below(many).min(self.below(many));
        self.chinese[number]
    }

    fn below(&mut self, end: u64) -> usize {
        // Marsaglia's xorshift64: as good as random here.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % end).unwrap_or(0)
    }
}

impl Iterator for Texts {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        self.count += 1;
        let is_chinese = self.count.is_multiple_of(2);
        let mut text = String::with_capacity(TEXT_BYTES + 16);
        while text.len() < TEXT_BYTES {
            if is_chinese {
                text.push(self.character());
                if self.below(16) == 0 {
                    let (first, many) = RARE;
                    let rare = first + u32::try_from(self.below(many)).unwrap_or(0);
                    text.extend(char::from_u32(rare));
                }
            } else {
                text.push_str(self.word());
                if self.below(8) == 0 {
                    text.push_str(&self.below(65_536).to_string());
                }
                text.push(' ');
            }
        }
        Some(text)
    }
}

/// A kind of query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    One,
    Two,
    Three,
    Word,
    Words,
    Absent,
}

impl Kind {
    pub(super) const ALL: [Self; 6] = [
        Self::One,
        Self::Two,
        Self::Three,
        Self::Word,
        Self::Words,
        Self::Absent,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::One => "1 Chinese character",
            Self::Two => "2 Chinese characters",
            Self::Three => "3 Chinese characters",
            Self::Word => "an English word",
            Self::Words => "3 English words",
            Self::Absent => "what nobody said",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_the_same_each_time_and_about_as_long_as_they_should_be() {
        let texts: Vec<String> = Texts::new().take(1000).collect();
        assert_eq!(texts, Texts::new().take(1000).collect::<Vec<_>>());
        assert!(
            texts
                .iter()
                .all(|text| (TEXT_BYTES..TEXT_BYTES + 24).contains(&text.len()))
        );
        assert!(texts[0].is_ascii() && !texts[1].is_ascii());
        let queries = Texts::new().queries();
        assert!(
            Kind::ALL
                .iter()
                .all(|kind| queries.iter().any(|(other, _)| other == kind))
        );
    }
}
