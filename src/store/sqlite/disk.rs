//! What the store lies on: whose disk it is, and how much room there is.

use std::fs;
use std::io;
use std::path::Path;

/// File systems of another machine, where `SQLite`'s locks, its shared memory
/// and a commit that survives a crash can't be relied upon.
const OF_OTHERS: [&str; 13] = [
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse.glusterfs",
    "fuse.sshfs",
    "fuse.rclone",
    "lustre",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
    "vboxsf",
];

/// The kind of network file system that a folder lies on, if it does.
pub(super) fn network_file_system(folder: &Path) -> Option<String> {
    // Where there is no such table, nothing can be said.
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let folder = folder.canonicalize().ok()?;
    kind_of(&mounts, &folder).filter(|kind| OF_OTHERS.contains(kind)).map(str::to_owned)
}

/// The kind of file system that a folder lies on, by the kernel's table: the
/// last of the mounts with the longest matching path.
fn kind_of<'m>(mounts: &'m str, folder: &Path) -> Option<&'m str> {
    let mounts = mounts.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let point = before.split(' ').nth(4)?.replace("\\040", " ");
        let kind = after.split(' ').next()?;
        folder.starts_with(&point).then_some((point.len(), kind))
    });
    mounts.max_by_key(|(length, _)| *length).map(|(_, kind)| kind)
}

/// How many bytes may still be written in a folder by those who are not root.
pub(super) fn free_space(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_with_the_longest_path_says_what_a_folder_lies_on() {
        let mounts = "\
            22 27 0:21 / /proc rw,relatime - proc proc rw\n\
            27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
            40 27 0:40 / /srv/office rw,relatime - nfs4 server:/office rw\n\
            41 40 8:1 / /srv/office/local\\040disk rw - xfs /dev/sdb1 rw\n\
            42 27 0:42 / /mnt/share rw - cifs //server/share rw\n";
        for (folder, expected) in [
            ("/var/lib/courtesy", "ext4"),
            ("/srv/office/data", "nfs4"),
            ("/srv/offices", "ext4"),
            ("/srv/office/local disk/data", "xfs"),
            ("/mnt/share", "cifs"),
        ] {
            assert_eq!(kind_of(mounts, Path::new(folder)), Some(expected), "{folder}");
        }
    }

    #[test]
    fn a_folder_on_this_machine_is_on_no_network_and_has_room() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(network_file_system(folder.path()), None);
        assert!(free_space(folder.path()).expect("a number") > 0);
    }
}
