//! Packs texts, for `build.rs`: byte-pair encoding (Philip Gage, 1994). The pair of bytes that is most frequent in the
//! texts becomes one byte that they do not have, again and again.

/// Packed texts.
pub struct Packed {
    /// For each byte of a packed text the two for which it stands; or itself and 0, if it stands for itself.
    pub pairs: Vec<[u8; 2]>,
    /// The packed texts.
    pub texts: Vec<Vec<u8>>,
}

/// Packs texts. None of them has a zero byte.
pub fn pack(mut texts: Vec<Vec<u8>>) -> Packed {
    let mut pairs: Vec<[u8; 2]> = (0..=u8::MAX).map(|byte| [byte, 0]).collect();
    for (byte, pair) in (0..=u8::MAX).zip(&mut pairs) {
        if byte == 0 || texts.iter().any(|text| text.contains(&byte)) {
            continue;
        }
        let Some(frequent) = most_frequent(&texts) else { break };
        *pair = frequent;
        texts = texts.iter().map(|text| replaced(text, frequent, byte)).collect();
    }
    Packed { pairs, texts }
}

/// The most frequent pair of bytes, if there is one that is worth a byte; of several the last one.
fn most_frequent(texts: &[Vec<u8>]) -> Option<[u8; 2]> {
    let mut counts = vec![0_u32; 1 << 16];
    for pair in texts.iter().flat_map(|text| text.windows(2)) {
        let pair = <[u8; 2]>::try_from(pair).ok()?;
        *counts.get_mut(usize::from(u16::from_be_bytes(pair)))? += 1;
    }
    let (pair, count) = (0..=u16::MAX).zip(counts).max_by_key(|&(_, count)| count)?;
    (count > 1).then(|| pair.to_be_bytes())
}

/// The text with this byte in the place of each such pair.
fn replaced(text: &[u8], pair: [u8; 2], byte: u8) -> Vec<u8> {
    let mut shorter = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, behind)) = rest.split_first() {
        match rest.strip_prefix(&pair) {
            Some(behind) => {
                shorter.push(byte);
                rest = behind;
            }
            None => {
                shorter.push(first);
                rest = behind;
            }
        }
    }
    shorter
}
