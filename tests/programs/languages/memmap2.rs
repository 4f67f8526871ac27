// SPDX-License-Identifier: BSD-2-Clause
//! A participant of the exchange (see exchange.py): the crate memmap2, over std::fs::File.
use memmap2::MmapMut;
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{stdin, stdout, Write};
use std::os::unix::fs::FileExt;

struct Participant {
    file: File,
    mapping: MmapMut,
}

impl Participant {
    fn new(path: &str, new_size: Option<u64>) -> Result<Self, Box<dyn Error>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(new_size.is_some());
        let file = options.open(path)?;
        if let Some(size) = new_size {
            file.set_len(size)?;
        }
        let mapping = unsafe { MmapMut::map_mut(&file)? };
        Ok(Participant { file, mapping })
    }

    fn map(&mut self) -> Result<(), Box<dyn Error>> {
        self.mapping = unsafe { MmapMut::map_mut(&self.file)? };
        Ok(())
    }

    fn obey(&mut self, order: &str, words: &[&str]) -> Result<String, Box<dyn Error>> {
        let number = |index: usize| words[index].parse::<usize>();
        match order {
            "store" => {
                let offset = number(0)?;
                self.mapping[offset..offset + words[1].len()].copy_from_slice(words[1].as_bytes());
            }
            "load" => {
                let (offset, length) = (number(0)?, number(1)?);
                return Ok(std::str::from_utf8(&self.mapping[offset..offset + length])?.into());
            }
            "write" => self.file.write_all_at(words[1].as_bytes(), number(0)? as u64)?,
            "read" => {
                let mut bytes = vec![0; number(1)?];
                self.file.read_exact_at(&mut bytes, number(0)? as u64)?;
                return Ok(String::from_utf8(bytes)?);
            }
            "grow" => {
                self.file.set_len(number(0)? as u64)?;
                self.map()?;
            }
            "remap" => {
                self.map()?;
                return Ok(self.mapping.len().to_string());
            }
            "sync" => self.mapping.flush()?,
            _ => return Err("no such order".into()),
        }
        Ok(String::new())
    }
}

fn answer(participant: &mut Option<Participant>, line: &str) -> Result<String, Box<dyn Error>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match (words[0], participant.as_mut()) {
        ("make", _) => *participant = Some(Participant::new(words[1], Some(words[2].parse()?))?),
        ("open", _) => *participant = Some(Participant::new(words[1], None)?),
        ("close", _) => *participant = None,
        (order, Some(open)) => return open.obey(order, &words[1..]),
        _ => return Err("no file is open".into()),
    }
    Ok(String::new())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut participant = None;
    for line in stdin().lines() {
        match answer(&mut participant, &line?) {
            Ok(text) if text.is_empty() => println!("ok"),
            Ok(text) => println!("ok {text}"),
            Err(error) => println!("{error}"),
        }
        stdout().flush()?;
    }
    Ok(())
}
