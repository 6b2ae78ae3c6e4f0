package snapshot

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func fileStamp(info fs.FileInfo) FileStamp {
	s := FileStamp{Size: info.Size(), Modified: info.ModTime().UnixNano()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.Device, s.Inode = uint64(st.Dev), st.Ino //nolint:unconvert // 32 bits wide on some machines
		s.Changed = st.Ctim.Nano()
	}
	return s
}

// localFS reports whether f lies on a file system that only this kernel writes:
// there a lock keeps out every writer, and what was written first is seen first.
// Shares, FUSE and what is not known are not trusted, which costs a check only.
func localFS(f *os.File) bool {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
		return false
	}
	switch uint32(st.Type) {
	case unix.EXT4_SUPER_MAGIC, // ext2 and ext3, too
		unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC,
		unix.TMPFS_MAGIC, unix.RAMFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC,
		unix.MSDOS_SUPER_MAGIC, unix.EXFAT_SUPER_MAGIC, unix.SQUASHFS_MAGIC, unix.ISOFS_SUPER_MAGIC,
		0x2fc12fc1, // ZFS
		0xca451a4e, // bcachefs
		0x7366746e: // ntfs3
		return true
	}
	return false
}
