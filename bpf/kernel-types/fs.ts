/** Files, paths, inodes, mounts. */
export const FS = `
struct qstr {
  union {
    struct {
      u32 hash, len;
    };
    u64 hash_len;
  };
  const unsigned char *name;
};
struct vfsmount {
  struct dentry *mnt_root; struct super_block *mnt_sb; int mnt_flags; struct mnt_idmap *mnt_idmap;
};
typedef struct {
  __u8 b[16];
} uuid_t;
struct list_lru {
  struct list_lru_node *node; struct list_head list; int shrinker_id; bool memcg_aware;
  struct xarray xa;
};
struct super_block {
  struct list_head s_list; dev_t s_dev; unsigned char s_blocksize_bits; unsigned long s_blocksize;
  loff_t s_maxbytes; struct file_system_type *s_type; const struct super_operations *s_op;
  const struct dquot_operations *dq_op; const struct quotactl_ops *s_qcop;
  const struct export_operations *s_export_op; unsigned long s_flags, s_iflags, s_magic;
  struct dentry *s_root; struct rw_semaphore s_umount; refcount_t s_passive;
  @148 atomic_t s_active; void *s_security; const struct xattr_handler **s_xattr;
  const struct fscrypt_operations *s_cop; struct fscrypt_keyring *s_master_keys;
  const struct fsverity_operations *s_vop; struct unicode_map *s_encoding; __u16 s_encoding_flags;
  struct hlist_head s_roots; spinlock_t s_roots_lock; struct mount *s_mounts;
  struct block_device *s_bdev; struct file *s_bdev_file; struct backing_dev_info *s_bdi;
  struct mtd_info *s_mtd; struct hlist_node s_instances; unsigned int s_quota_types;
  @904 void *s_fs_info; u32 s_time_gran; time64_t s_time_min, s_time_max; u32 s_fsnotify_mask;
  struct fsnotify_sb_info *s_fsnotify_info; char s_id[32]; uuid_t s_uuid; u8 s_uuid_len;
  char s_sysfs_name[37]; unsigned int s_max_links, s_d_flags; struct mutex s_vfs_rename_mutex;
  const char *s_subtype; const struct dentry_operations *__s_d_op; struct shrinker *s_shrink;
  atomic_long_t s_remove_count; int s_readonly_remount; errseq_t s_wb_err;
  struct workqueue_struct *s_dio_done_wq; struct hlist_head s_pins;
  struct user_namespace *s_user_ns; struct list_lru s_dentry_lru, s_inode_lru;
  struct callback_head rcu; struct work_struct destroy_work; struct mutex s_sync_lock;
  int s_stack_depth; @1344 spinlock_t s_inode_list_lock; struct list_head s_inodes;
  spinlock_t s_inode_wblist_lock; struct list_head s_inodes_wb; long s_min_writeback_pages;
  refcount_t s_pending_errors; @1404 atomic_t s_isw_nr_in_flight;
};
struct lock_class_key {
};
struct file_system_type {
  const char *name; int fs_flags; void *init_fs_context;
  const struct fs_parameter_spec *parameters; void *kill_sb; struct module *owner;
  struct hlist_node list; struct hlist_head fs_supers; struct lock_class_key s_writers_key[3];
};
struct dentry_operations {
  void *d_revalidate, *d_weak_revalidate, *d_hash, *d_compare, *d_delete, *d_init, *d_release;
  void *d_prune, *d_iput, *d_dname, *d_automount, *d_manage, *d_real, *d_unalias_trylock;
  void *d_unalias_unlock;
} 128;
struct kiocb {
  struct file *ki_filp; loff_t ki_pos; void *ki_complete, *private; int ki_flags; u16 ki_ioprio;
  u8 ki_write_stream; struct wait_page_queue *ki_waitq;
};
struct iovec {
  void *iov_base; __kernel_size_t iov_len;
};
struct iov_iter {
  u8 iter_type; bool nofault, data_source; size_t iov_offset;
  union {
    struct iovec __ubuf_iovec;
    struct {
      union {
        const struct iovec *__iov; const struct kvec *kvec; const struct bio_vec *bvec;
        const struct folio_queue *folioq; struct xarray *xarray; void *ubuf;
      };
      size_t count;
    };
  };
  union {
    unsigned long nr_segs; u8 folioq_slot; loff_t xarray_start;
  };
};
typedef struct {
  uid_t val;
} vfsuid_t;
typedef struct {
  gid_t val;
} vfsgid_t;
struct iattr {
  unsigned int ia_valid; umode_t ia_mode;
  union {
    kuid_t ia_uid; vfsuid_t ia_vfsuid;
  } 4;
  @12 union {
    kgid_t ia_gid; vfsgid_t ia_vfsgid;
  } 4;
  loff_t ia_size; struct timespec64 ia_atime, ia_mtime, ia_ctime; struct file *ia_file;
};
struct kstat {
  u32 result_mask; umode_t mode; unsigned int nlink; uint32_t blksize;
  u64 attributes, attributes_mask, ino; dev_t dev, rdev; kuid_t uid; @52 kgid_t gid; loff_t size;
  struct timespec64 atime, mtime, ctime, btime; u64 blocks, mnt_id, change_cookie, subvol;
  u32 dio_mem_align, dio_offset_align, dio_read_offset_align, atomic_write_unit_min;
  u32 atomic_write_unit_max, atomic_write_unit_max_opt, atomic_write_segments_max;
};
struct nfs_lock_info {
  u32 state; struct nlm_lockowner *owner; struct list_head list;
};
struct nfs4_lock_info {
  struct nfs4_lock_state *owner;
};
struct file_lock {
  @128 loff_t fl_start; loff_t fl_end; const struct file_lock_operations *fl_ops;
  const struct lock_manager_operations *fl_lmops;
  union {
    struct nfs_lock_info nfs_fl; struct nfs4_lock_info nfs4_fl;
    struct {
      struct list_head link; int state; unsigned int debug_id;
    } afs;
    struct {
      struct inode *inode;
    } ceph;
  } fl_u;
};
typedef struct {
  atomic64_t refcnt;
} file_ref_t;
struct renamedata {
  struct mnt_idmap *mnt_idmap; struct dentry *old_parent, *old_dentry, *new_parent, *new_dentry;
  struct delegated_inode *delegated_inode; unsigned int flags;
};
struct mnt_idmap {
  struct uid_gid_map uid_map, gid_map; refcount_t count;
};
struct delegated_inode {
  struct inode *di_inode;
};
struct seq_file {
  char *buf; size_t size, from, count, pad_until; loff_t index, read_pos; struct mutex lock;
  const struct seq_operations *op; int poll_event; const struct file *file; void *private;
};
struct seq_operations {
  void *start, *stop, *next, *show;
};
struct module {
  enum module_state state; struct list_head list; char name[56]; @184 const char *version;
  const char *srcversion; @304 void *init; @960 char *args; @1216 void *exit; atomic_t refcnt;
} 1280;
typedef unsigned int pipe_index_t;
union pipe_index {
  unsigned long head_tail;
  struct {
    pipe_index_t head, tail;
  };
};
struct pipe_inode_info {
  struct mutex mutex; @72 union pipe_index ;
  unsigned int max_usage, ring_size, nr_accounted, readers, writers, files, r_counter, w_counter;
  bool poll_usage; struct page *tmp_page[2];
  struct fasync_struct *fasync_readers, *fasync_writers; struct pipe_buffer *bufs;
  struct user_struct *user;
};
struct pipe_buffer {
  struct page *page; unsigned int offset, len; const struct pipe_buf_operations *ops;
  unsigned int flags; unsigned long private;
};
struct linux_dirent64 {
  u64 d_ino; s64 d_off; unsigned short d_reclen; unsigned char d_type; char d_name[0];
};
struct __filename_head {
  const char *name; int refcnt; struct audit_names *aname;
};
struct filename {
  struct __filename_head ; const char iname[168];
};
struct fd {
  unsigned long word;
};
struct fsverity_digest {
  __u16 digest_algorithm, digest_size; __u8 digest[0];
};
typedef int __kernel_key_t;
typedef __kernel_key_t key_t;
struct kern_ipc_perm {
  spinlock_t lock; bool deleted; int id; key_t key; kuid_t uid; @20 kgid_t gid; kuid_t cuid;
  @28 kgid_t cgid; umode_t mode; unsigned long seq; void *security; struct rhash_head khtnode;
  struct callback_head rcu; refcount_t refcount;
} 128;
`;
