//! What a file is encoded in: declared by a byte-order mark, or detected
//! with certainty, or refused. A wrong guess would put wrong names into
//! letters.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use encoding_rs::{Decoder, DecoderResult, Encoding, GB18030, UTF_8};

const CHUNK: usize = 64 * 1024;

const ACCEPTED: &str = "save it as UTF-8 (Excel: \"CSV UTF-8\"); also read are UTF-16 with a byte-order mark, and \
                        GB18030 where it can be told with certainty";

/// Opens a file and yields it as UTF-8 without a byte-order mark.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>, String> {
    let told = |error: io::Error| format!("can't be read: {error}");
    let mut file = File::open(path).map_err(told)?;
    if !file.metadata().map_err(told)?.is_file() {
        return Err("is not a file".into());
    }
    let encoding = detect(&mut file)?;
    file.seek(SeekFrom::Start(0)).map_err(told)?;
    // The decoder drops the byte-order mark of its own encoding.
    let decoder = encoding.new_decoder_with_bom_removal();
    Ok(Box::new(Transcoder { source: BufReader::with_capacity(CHUNK, file), decoder, encoding, done: false }))
}

/// Reads the whole file once.
fn detect(file: &mut File) -> Result<&'static Encoding, String> {
    let mut evidence = Evidence::new();
    let mut buffer = vec![0; CHUNK];
    let mut first = true;
    loop {
        let read = file.read(&mut buffer).map_err(|error| format!("can't be read: {error}"))?;
        let chunk = &buffer[..read];
        if first {
            if read == 0 {
                return Err("is empty".into());
            }
            if let Some((encoding, _)) = Encoding::for_bom(chunk)
                && encoding != UTF_8
            {
                return Ok(encoding);
            }
            first = false;
        }
        evidence.see(chunk, read == 0);
        if read == 0 {
            return evidence.verdict();
        }
    }
}

/// What the bytes of a file without a declaration allow.
struct Evidence {
    utf8: Option<Decoder>,
    gb18030: Option<Decoder>,
    nul: bool,
    pairs: Pairs,
    scratch: Vec<u8>,
}

impl Evidence {
    fn new() -> Self {
        Self {
            utf8: Some(UTF_8.new_decoder_without_bom_handling()),
            gb18030: Some(GB18030.new_decoder_without_bom_handling()),
            nul: false,
            pairs: Pairs::default(),
            scratch: vec![0; CHUNK * 4],
        }
    }

    fn see(&mut self, chunk: &[u8], last: bool) {
        self.nul |= chunk.contains(&0);
        for decoder in [&mut self.utf8, &mut self.gb18030] {
            let valid =
                decoder.as_mut().is_none_or(|decoder| is_valid(decoder, chunk, last, &mut self.scratch));
            if !valid {
                *decoder = None;
            }
        }
        for byte in chunk {
            self.pairs.see(*byte);
        }
    }

    fn verdict(&self) -> Result<&'static Encoding, String> {
        if self.nul {
            return Err(format!("has NUL bytes, as UTF-16 without a byte-order mark has; {ACCEPTED}"));
        }
        if self.utf8.is_some() {
            return Ok(UTF_8);
        }
        if self.gb18030.is_some() && self.pairs.are_certainly_chinese() {
            return Ok(GB18030);
        }
        Err(format!("is not UTF-8, and its encoding can't be told; {ACCEPTED}"))
    }
}

fn is_valid(decoder: &mut Decoder, mut chunk: &[u8], last: bool, scratch: &mut [u8]) -> bool {
    loop {
        let (result, read, _) = decoder.decode_to_utf8_without_replacement(chunk, scratch, last);
        match result {
            DecoderResult::InputEmpty => return true,
            DecoderResult::OutputFull => chunk = &chunk[read..],
            DecoderResult::Malformed(..) => return false,
        }
    }
}

/// What the multi-byte characters look like. Almost any text in an 8-bit
/// encoding is valid GB18030 by accident; what real Chinese text has and the
/// accidents have not is that nearly all of its characters are in the old
/// GB 2312 square (both bytes 0xA1 or above), that some are beyond 0xC8,
/// where Korean syllables end, that few are the rare ones from 0xD8 on, where
/// Cyrillic and Greek small letters fall, and that there are no kana.
#[derive(Default)]
struct Pairs {
    lead: Option<u8>,
    square: u64,
    outside: u64,
    beyond_korean: u64,
    rare: u64,
    kana: u64,
}

impl Pairs {
    fn see(&mut self, byte: u8) {
        match (self.lead.take(), byte) {
            (None, 0x80..) => self.lead = Some(byte),
            (None, _) => {}
            (Some(lead @ 0xA1..=0xF7), 0xA1..) => {
                self.square += 1;
                self.beyond_korean += u64::from(lead >= 0xC9);
                self.rare += u64::from(lead >= 0xD8);
                self.kana += u64::from(lead == 0xA4 || lead == 0xA5);
            }
            (Some(_), _) => self.outside += 1,
        }
    }

    fn are_certainly_chinese(&self) -> bool {
        self.kana == 0
            && self.beyond_korean > 0
            && self.outside * 10 <= self.square
            && self.rare * 3 <= self.square
    }
}

/// Reads one encoding as UTF-8. Malformed input is an error with its place.
struct Transcoder {
    source: BufReader<File>,
    decoder: Decoder,
    encoding: &'static Encoding,
    done: bool,
}

impl Read for Transcoder {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        use io::BufRead as _;
        if out.len() < 16 {
            return Err(io::Error::other("the decoder needs room for the longest character"));
        }
        while !self.done {
            let input = self.source.fill_buf()?;
            let last = input.is_empty();
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(input, out, last);
            self.source.consume(read);
            match result {
                DecoderResult::Malformed(..) => {
                    let cause = format!("it is not valid {}", self.encoding.name());
                    return Err(io::Error::new(io::ErrorKind::InvalidData, cause));
                }
                DecoderResult::InputEmpty if last => self.done = true,
                DecoderResult::InputEmpty | DecoderResult::OutputFull => {}
            }
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(bytes: &[u8]) -> Option<&'static str> {
        let mut evidence = Evidence::new();
        // Cut in the middle of characters, as chunks of a large file are.
        for chunk in bytes.chunks(3) {
            evidence.see(chunk, false);
        }
        evidence.see(&[], true);
        evidence.verdict().ok().map(Encoding::name)
    }

    #[test]
    fn only_what_is_certain_is_read() {
        let encode = |encoding: &'static Encoding, text| encoding.encode(text).0.into_owned();
        let chinese = "id,name\n1,上海宏远贸易有限公司\n2,北京鼎盛科技有限公司\n3,王芳\n";
        for (bytes, expected) in [
            (b"id,name\n1,Ann\n".to_vec(), Some("UTF-8")),
            (chinese.as_bytes().to_vec(), Some("UTF-8")),
            (encode(GB18030, chinese), Some("gb18030")),
            (encode(encoding_rs::WINDOWS_1252, "id,name\n1,Müller\n2,José Siân\n3,Zoë\n"), None),
            (encode(encoding_rs::BIG5, "id,name\n1,臺灣貿易有限公司\n2,鼎盛科技有限公司\n"), None),
            (encode(encoding_rs::SHIFT_JIS, "id,name\n1,株式会社テスト\n2,日本のかいしゃ\n"), None),
            (encode(encoding_rs::EUC_JP, "id,name\n1,株式会社テスト\n2,日本のかいしゃ\n"), None),
            (encode(encoding_rs::EUC_KR, "id,name\n1,주식회사 한국상사\n2,서울 무역\n"), None),
            (encode(encoding_rs::WINDOWS_1251, "id,name\n1,Привет Мир Торговля\n"), None),
            (encode(encoding_rs::WINDOWS_1251, "id,name\n1,Привет Торговля\n"), None),
            (b"i\0d\0,\0".to_vec(), None),
        ] {
            assert_eq!(verdict(&bytes), expected, "{}", String::from_utf8_lossy(&bytes));
        }
    }
}
