//! A store on a network, or what the system calls that: a file system whose
//! server is this test, mounted under the name of one (FUSE, protocol 7).

use std::fs::{File, OpenOptions};
use std::io::{Read, Write as _};
use std::process::{Command, Stdio};
use std::thread;

use super::business::{Business, to_port};

const LOOKUP: u32 = 1;
const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const INIT: u32 = 26;
const ENOENT: i32 = 2;
const ENOSYS: i32 = 38;

/// An empty folder of another machine, gone when it is dropped.
struct Share(tempfile::TempDir);

impl Share {
    fn mount(kind: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let device = OpenOptions::new().read(true).write(true).open("/dev/fuse").expect("FUSE and root");
        let ours = device.try_clone().expect("a second handle");
        let mounted = Command::new("mount")
            .args(["-i", "-t", kind, "-o", "fd=0,rootmode=40000,user_id=0,group_id=0", "elsewhere"])
            .arg(folder.path())
            .stdin(Stdio::from(device))
            .status()
            .expect("mount is there");
        assert!(mounted.success(), "this test mounts a file system, so it needs root");
        thread::spawn(move || serve(ours));
        Self(folder)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0.path()).status().ok();
    }
}

/// Answers until it is unmounted.
fn serve(mut device: File) {
    let mut request = vec![0; 1 << 20];
    while let Ok(length @ 16..) = device.read(&mut request) {
        let opcode = u32::from_le_bytes(request[4..8].try_into().expect("four bytes"));
        let (error, body) = match opcode {
            FORGET => continue,
            INIT => (0, init()),
            GETATTR => (0, an_empty_folder()),
            LOOKUP => (ENOENT, vec![]),
            _ => (ENOSYS, vec![]),
        };
        let size = u32::try_from(16 + body.len()).expect("a short answer");
        let header = [&size.to_le_bytes()[..], &(-error).to_le_bytes(), &request[8..16]].concat();
        debug_assert!(length >= 16);
        if device.write_all(&[header, body].concat()).is_err() {
            break;
        }
    }
}

/// Version 7.31, requests of a page.
fn init() -> Vec<u8> {
    let words: [u32; 16] = [7, 31, 4096, 0, 0x000c_000c, 4096, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// The attributes of the root.
fn an_empty_folder() -> Vec<u8> {
    let (mode, links) = (0o40_755, 2);
    let valid_s_and_nothing = [1_u64, 0];
    let inode_sizes_and_times = [1_u64, 0, 0, 0, 0, 0];
    let rest: [u32; 10] = [0, 0, 0, mode, links, 0, 0, 0, 4096, 0];
    let wide = valid_s_and_nothing.iter().chain(&inode_sizes_and_times).flat_map(|word| word.to_le_bytes());
    wide.chain(rest.iter().flat_map(|word| word.to_le_bytes())).collect()
}

#[test]
#[ignore = "needs root and FUSE, for a file system of its own"]
fn a_store_on_a_network_is_refused_and_nothing_is_made_there() {
    for kind in ["fuse.sshfs", "fuse.glusterfs"] {
        let share = Share::mount(kind);
        let business = Business::unseen(&to_port(1));
        let there = format!("data_dir: {}", share.0.path().display());
        business.installation.edit("config/courtesy.yaml", "data_dir: ../data", &there);
        business.installation.write("customers.csv", "id,name\nC1,Ann\n");
        let refused = business.installation.run(&["import", "customers", "customers.csv"]);
        assert_eq!(refused.code, 1, "{refused:?}");
        let said = format!("it lies on a network file system ({kind})");
        let told = refused.err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(&said) && told.contains("on a disk of this machine"), "{refused:?}");
    }
}
