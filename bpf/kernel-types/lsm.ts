/** Hooks of security modules that programs hang on. include/linux/lsm_hook_defs.h */
export const LSM_HOOKS = `
void bpf_lsm_audit_rule_free(void *lsmrule);
int bpf_lsm_audit_rule_init(u32 field, u32 op, char *rulestr, void **lsmrule, gfp_t gfp);
int bpf_lsm_audit_rule_known(struct audit_krule *krule);
int bpf_lsm_audit_rule_match(struct lsm_prop *prop, u32 field, u32 op, void *lsmrule);
int bpf_lsm_backing_file_alloc(struct file *backing_file, const struct file *user_file);
void bpf_lsm_backing_file_free(struct file *backing_file);
int bpf_lsm_bdev_alloc_security(struct block_device *bdev);
void bpf_lsm_bdev_free_security(struct block_device *bdev);
int bpf_lsm_bdev_setintegrity(struct block_device *bdev, enum lsm_integrity_type type,
    const void *value, size_t size);
int bpf_lsm_binder_set_context_mgr(const struct cred *mgr);
int bpf_lsm_binder_transaction(const struct cred *from, const struct cred *to);
int bpf_lsm_binder_transfer_binder(const struct cred *from, const struct cred *to);
int bpf_lsm_binder_transfer_file(const struct cred *from, const struct cred *to,
    const struct file *file);
int bpf_lsm_bpf(int cmd, union bpf_attr *attr, unsigned int size, bool kernel);
int bpf_lsm_bpf_map(struct bpf_map *map, fmode_t fmode);
int bpf_lsm_bpf_map_create(struct bpf_map *map, union bpf_attr *attr, struct bpf_token *token,
    bool kernel);
void bpf_lsm_bpf_map_free(struct bpf_map *map);
int bpf_lsm_bpf_prog(struct bpf_prog *prog);
void bpf_lsm_bpf_prog_free(struct bpf_prog *prog);
int bpf_lsm_bpf_prog_load(struct bpf_prog *prog, union bpf_attr *attr, struct bpf_token *token,
    bool kernel);
int bpf_lsm_bpf_token_capable(const struct bpf_token *token, int cap);
int bpf_lsm_bpf_token_cmd(const struct bpf_token *token, enum bpf_cmd cmd);
int bpf_lsm_bpf_token_create(struct bpf_token *token, union bpf_attr *attr,
    const struct path *path);
void bpf_lsm_bpf_token_free(struct bpf_token *token);
int bpf_lsm_bprm_check_security(struct linux_binprm *bprm);
void bpf_lsm_bprm_committed_creds(const struct linux_binprm *bprm);
void bpf_lsm_bprm_committing_creds(const struct linux_binprm *bprm);
int bpf_lsm_bprm_creds_for_exec(struct linux_binprm *bprm);
int bpf_lsm_bprm_creds_from_file(struct linux_binprm *bprm, const struct file *file);
int bpf_lsm_capable(const struct cred *cred, struct user_namespace *ns, int cap,
    unsigned int opts);
int bpf_lsm_capget(const struct task_struct *target, kernel_cap_t *effective,
    kernel_cap_t *inheritable, kernel_cap_t *permitted);
int bpf_lsm_capset(struct cred *new, const struct cred *old, const kernel_cap_t *effective,
    const kernel_cap_t *inheritable, const kernel_cap_t *permitted);
int bpf_lsm_cred_alloc_blank(struct cred *cred, gfp_t gfp);
void bpf_lsm_cred_free(struct cred *cred);
void bpf_lsm_cred_getlsmprop(const struct cred *c, struct lsm_prop *prop);
void bpf_lsm_cred_getsecid(const struct cred *c, u32 *secid);
int bpf_lsm_cred_prepare(struct cred *new, const struct cred *old, gfp_t gfp);
void bpf_lsm_cred_transfer(struct cred *new, const struct cred *old);
void bpf_lsm_current_getlsmprop_subj(struct lsm_prop *prop);
void bpf_lsm_d_instantiate(struct dentry *dentry, struct inode *inode);
int bpf_lsm_dentry_create_files_as(struct dentry *dentry, int mode, const struct qstr *name,
    const struct cred *old, struct cred *new);
int bpf_lsm_dentry_init_security(struct dentry *dentry, int mode, const struct qstr *name,
    const char **xattr_name, struct lsm_context *cp);
int bpf_lsm_file_alloc_security(struct file *file);
int bpf_lsm_file_fcntl(struct file *file, unsigned int cmd, unsigned long arg);
void bpf_lsm_file_free_security(struct file *file);
int bpf_lsm_file_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int bpf_lsm_file_ioctl_compat(struct file *file, unsigned int cmd, unsigned long arg);
int bpf_lsm_file_lock(struct file *file, unsigned int cmd);
int bpf_lsm_file_mprotect(struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot);
int bpf_lsm_file_open(struct file *file);
int bpf_lsm_file_permission(struct file *file, int mask);
int bpf_lsm_file_post_open(struct file *file, int mask);
int bpf_lsm_file_receive(struct file *file);
void bpf_lsm_file_release(struct file *file);
int bpf_lsm_file_send_sigiotask(struct task_struct *tsk, struct fown_struct *fown, int sig);
void bpf_lsm_file_set_fowner(struct file *file);
int bpf_lsm_file_truncate(struct file *file);
int bpf_lsm_fs_context_dup(struct fs_context *fc, struct fs_context *src_sc);
int bpf_lsm_fs_context_parse_param(struct fs_context *fc, struct fs_parameter *param);
int bpf_lsm_fs_context_submount(struct fs_context *fc, struct super_block *reference);
int bpf_lsm_getprocattr(struct task_struct *p, const char *name, char **value);
int bpf_lsm_getselfattr(unsigned int attr, struct lsm_ctx *ctx, u32 *size, u32 flags);
bool bpf_lsm_has_d_inode_locked(const struct bpf_prog *prog);
bool bpf_lsm_hook_returns_errno(u32 btf_id);
int bpf_lsm_ib_alloc_security(void *sec);
int bpf_lsm_ib_endport_manage_subnet(void *sec, const char *dev_name, u8 port_num);
int bpf_lsm_ib_pkey_access(void *sec, u64 subnet_prefix, u16 pkey);
void bpf_lsm_inet_conn_established(struct sock *sk, struct sk_buff *skb);
int bpf_lsm_inet_conn_request(const struct sock *sk, struct sk_buff *skb,
    struct request_sock *req);
void bpf_lsm_inet_csk_clone(struct sock *newsk, const struct request_sock *req);
int bpf_lsm_init(void);
void bpf_lsm_initramfs_populated(void);
int bpf_lsm_inode_alloc_security(struct inode *inode);
int bpf_lsm_inode_copy_up(struct dentry *src, struct cred **new);
int bpf_lsm_inode_copy_up_xattr(struct dentry *src, const char *name);
int bpf_lsm_inode_create(struct inode *dir, struct dentry *dentry, umode_t mode);
int bpf_lsm_inode_file_getattr(struct dentry *dentry, struct file_kattr *fa);
int bpf_lsm_inode_file_setattr(struct dentry *dentry, struct file_kattr *fa);
int bpf_lsm_inode_follow_link(struct dentry *dentry, struct inode *inode, bool rcu);
void bpf_lsm_inode_free_security(struct inode *inode);
void bpf_lsm_inode_free_security_rcu(void *inode_security);
int bpf_lsm_inode_get_acl(struct mnt_idmap *idmap, struct dentry *dentry, const char *acl_name);
int bpf_lsm_inode_getattr(const struct path *path);
void bpf_lsm_inode_getlsmprop(struct inode *inode, struct lsm_prop *prop);
int bpf_lsm_inode_getsecctx(struct inode *inode, struct lsm_context *cp);
int bpf_lsm_inode_getsecurity(struct mnt_idmap *idmap, struct inode *inode, const char *name,
    void **buffer, bool alloc);
int bpf_lsm_inode_getxattr(struct dentry *dentry, const char *name);
int bpf_lsm_inode_init_security(struct inode *inode, struct inode *dir, const struct qstr *qstr,
    struct xattr *xattrs, int *xattr_count);
int bpf_lsm_inode_init_security_anon(struct inode *inode, const struct qstr *name,
    const struct inode *context_inode);
void bpf_lsm_inode_invalidate_secctx(struct inode *inode);
int bpf_lsm_inode_killpriv(struct mnt_idmap *idmap, struct dentry *dentry);
int bpf_lsm_inode_link(struct dentry *old_dentry, struct inode *dir, struct dentry *new_dentry);
int bpf_lsm_inode_listsecurity(struct inode *inode, char **buffer, ssize_t *remaining_size);
int bpf_lsm_inode_listxattr(struct dentry *dentry);
int bpf_lsm_inode_mkdir(struct inode *dir, struct dentry *dentry, umode_t mode);
int bpf_lsm_inode_mknod(struct inode *dir, struct dentry *dentry, umode_t mode, dev_t dev);
int bpf_lsm_inode_need_killpriv(struct dentry *dentry);
int bpf_lsm_inode_notifysecctx(struct inode *inode, void *ctx, u32 ctxlen);
int bpf_lsm_inode_permission(struct inode *inode, int mask);
void bpf_lsm_inode_post_create_tmpfile(struct mnt_idmap *idmap, struct inode *inode);
void bpf_lsm_inode_post_remove_acl(struct mnt_idmap *idmap, struct dentry *dentry,
    const char *acl_name);
void bpf_lsm_inode_post_removexattr(struct dentry *dentry, const char *name);
void bpf_lsm_inode_post_set_acl(struct dentry *dentry, const char *acl_name,
    struct posix_acl *kacl);
void bpf_lsm_inode_post_setattr(struct mnt_idmap *idmap, struct dentry *dentry, int ia_valid);
void bpf_lsm_inode_post_setxattr(struct dentry *dentry, const char *name, const void *value,
    size_t size, int flags);
int bpf_lsm_inode_readlink(struct dentry *dentry);
int bpf_lsm_inode_remove_acl(struct mnt_idmap *idmap, struct dentry *dentry,
    const char *acl_name);
int bpf_lsm_inode_removexattr(struct mnt_idmap *idmap, struct dentry *dentry, const char *name);
int bpf_lsm_inode_rename(struct inode *old_dir, struct dentry *old_dentry, struct inode *new_dir,
    struct dentry *new_dentry);
int bpf_lsm_inode_rmdir(struct inode *dir, struct dentry *dentry);
int bpf_lsm_inode_set_acl(struct mnt_idmap *idmap, struct dentry *dentry, const char *acl_name,
    struct posix_acl *kacl);
int bpf_lsm_inode_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr);
int bpf_lsm_inode_setintegrity(const struct inode *inode, enum lsm_integrity_type type,
    const void *value, size_t size);
int bpf_lsm_inode_setsecctx(struct dentry *dentry, void *ctx, u32 ctxlen);
int bpf_lsm_inode_setsecurity(struct inode *inode, const char *name, const void *value,
    size_t size, int flags);
int bpf_lsm_inode_setxattr(struct mnt_idmap *idmap, struct dentry *dentry, const char *name,
    const void *value, size_t size, int flags);
int bpf_lsm_inode_symlink(struct inode *dir, struct dentry *dentry, const char *old_name);
int bpf_lsm_inode_unlink(struct inode *dir, struct dentry *dentry);
int bpf_lsm_inode_xattr_skipcap(const char *name);
void bpf_lsm_ipc_getlsmprop(struct kern_ipc_perm *ipcp, struct lsm_prop *prop);
int bpf_lsm_ipc_permission(struct kern_ipc_perm *ipcp, short flag);
int bpf_lsm_ismaclabel(const char *name);
int bpf_lsm_kernel_act_as(struct cred *new, u32 secid);
int bpf_lsm_kernel_create_files_as(struct cred *new, struct inode *inode);
int bpf_lsm_kernel_load_data(enum kernel_load_data_id id, bool contents);
int bpf_lsm_kernel_module_request(char *kmod_name);
int bpf_lsm_kernel_post_load_data(char *buf, loff_t size, enum kernel_load_data_id id,
    char *description);
int bpf_lsm_kernel_post_read_file(struct file *file, char *buf, loff_t size,
    enum kernel_read_file_id id);
int bpf_lsm_kernel_read_file(struct file *file, enum kernel_read_file_id id, bool contents);
int bpf_lsm_kernfs_init_security(struct kernfs_node *kn_dir, struct kernfs_node *kn);
int bpf_lsm_key_alloc(struct key *key, const struct cred *cred, unsigned long flags);
int bpf_lsm_key_getsecurity(struct key *key, char **buffer);
int bpf_lsm_key_permission(key_ref_t key_ref, const struct cred *cred,
    enum key_need_perm need_perm);
void bpf_lsm_key_post_create_or_update(struct key *keyring, struct key *key, const void *payload,
    size_t payload_len, unsigned long flags, bool create);
int bpf_lsm_locked_down(enum lockdown_reason what);
int bpf_lsm_lsmprop_to_secctx(struct lsm_prop *prop, struct lsm_context *cp);
int bpf_lsm_mmap_addr(unsigned long addr);
int bpf_lsm_mmap_backing_file(struct vm_area_struct *vma, struct file *backing_file,
    struct file *user_file);
int bpf_lsm_mmap_file(struct file *file__nullable, unsigned long reqprot, unsigned long prot,
    unsigned long flags);
int bpf_lsm_move_mount(const struct path *from_path, const struct path *to_path);
int bpf_lsm_mptcp_add_subflow(struct sock *sk, struct sock *ssk);
int bpf_lsm_msg_msg_alloc_security(struct msg_msg *msg);
void bpf_lsm_msg_msg_free_security(struct msg_msg *msg);
int bpf_lsm_msg_queue_alloc_security(struct kern_ipc_perm *perm);
int bpf_lsm_msg_queue_associate(struct kern_ipc_perm *perm, int msqflg);
void bpf_lsm_msg_queue_free_security(struct kern_ipc_perm *perm);
int bpf_lsm_msg_queue_msgctl(struct kern_ipc_perm *perm, int cmd);
int bpf_lsm_msg_queue_msgrcv(struct kern_ipc_perm *perm, struct msg_msg *msg,
    struct task_struct *target, long type, int mode);
int bpf_lsm_msg_queue_msgsnd(struct kern_ipc_perm *perm, struct msg_msg *msg, int msqflg);
int bpf_lsm_netlink_send(struct sock *sk, struct sk_buff *skb);
int bpf_lsm_path_chmod(const struct path *path, umode_t mode);
int bpf_lsm_path_chown(const struct path *path, kuid_t uid, kgid_t gid);
int bpf_lsm_path_chroot(const struct path *path);
int bpf_lsm_path_link(struct dentry *old_dentry, const struct path *new_dir,
    struct dentry *new_dentry);
int bpf_lsm_path_mkdir(const struct path *dir, struct dentry *dentry, umode_t mode);
int bpf_lsm_path_mknod(const struct path *dir, struct dentry *dentry, umode_t mode,
    unsigned int dev);
int bpf_lsm_path_notify(const struct path *path, u64 mask, unsigned int obj_type);
void bpf_lsm_path_post_mknod(struct mnt_idmap *idmap, struct dentry *dentry);
int bpf_lsm_path_rename(const struct path *old_dir, struct dentry *old_dentry,
    const struct path *new_dir, struct dentry *new_dentry, unsigned int flags);
int bpf_lsm_path_rmdir(const struct path *dir, struct dentry *dentry);
int bpf_lsm_path_symlink(const struct path *dir, struct dentry *dentry, const char *old_name);
int bpf_lsm_path_truncate(const struct path *path);
int bpf_lsm_path_unlink(const struct path *dir, struct dentry *dentry);
int bpf_lsm_perf_event_alloc(struct perf_event *event);
int bpf_lsm_perf_event_open(int type);
int bpf_lsm_perf_event_read(struct perf_event *event);
int bpf_lsm_perf_event_write(struct perf_event *event);
int bpf_lsm_ptrace_access_check(struct task_struct *child, unsigned int mode);
int bpf_lsm_ptrace_traceme(struct task_struct *parent);
int bpf_lsm_quota_on(struct dentry *dentry);
int bpf_lsm_quotactl(int cmds, int type, int id, const struct super_block *sb);
void bpf_lsm_release_secctx(struct lsm_context *cp);
void bpf_lsm_req_classify_flow(const struct request_sock *req, struct flowi_common *flic);
int bpf_lsm_sb_alloc_security(struct super_block *sb);
int bpf_lsm_sb_clone_mnt_opts(const struct super_block *oldsb, struct super_block *newsb,
    unsigned long kern_flags, unsigned long *set_kern_flags);
void bpf_lsm_sb_delete(struct super_block *sb);
int bpf_lsm_sb_eat_lsm_opts(char *orig, void **mnt_opts);
void bpf_lsm_sb_free_mnt_opts(void *mnt_opts);
void bpf_lsm_sb_free_security(struct super_block *sb);
int bpf_lsm_sb_kern_mount(const struct super_block *sb);
int bpf_lsm_sb_mnt_opts_compat(struct super_block *sb, void *mnt_opts);
int bpf_lsm_sb_mount(const char *dev_name, const struct path *path, const char *type,
    unsigned long flags, void *data);
int bpf_lsm_sb_pivotroot(const struct path *old_path, const struct path *new_path);
int bpf_lsm_sb_remount(struct super_block *sb, void *mnt_opts);
int bpf_lsm_sb_set_mnt_opts(struct super_block *sb, void *mnt_opts, unsigned long kern_flags,
    unsigned long *set_kern_flags);
int bpf_lsm_sb_show_options(struct seq_file *m, struct super_block *sb);
int bpf_lsm_sb_statfs(struct dentry *dentry);
int bpf_lsm_sb_umount(struct vfsmount *mnt, int flags);
int bpf_lsm_sctp_assoc_established(struct sctp_association *asoc, struct sk_buff *skb);
int bpf_lsm_sctp_assoc_request(struct sctp_association *asoc, struct sk_buff *skb);
int bpf_lsm_sctp_bind_connect(struct sock *sk, int optname, struct sockaddr *address,
    int addrlen);
void bpf_lsm_sctp_sk_clone(struct sctp_association *asoc, struct sock *sk, struct sock *newsk);
int bpf_lsm_secctx_to_secid(const char *secdata, u32 seclen, u32 *secid);
int bpf_lsm_secid_to_secctx(u32 secid, struct lsm_context *cp);
void bpf_lsm_secmark_refcount_dec(void);
void bpf_lsm_secmark_refcount_inc(void);
int bpf_lsm_secmark_relabel_packet(u32 secid);
int bpf_lsm_sem_alloc_security(struct kern_ipc_perm *perm);
int bpf_lsm_sem_associate(struct kern_ipc_perm *perm, int semflg);
void bpf_lsm_sem_free_security(struct kern_ipc_perm *perm);
int bpf_lsm_sem_semctl(struct kern_ipc_perm *perm, int cmd);
int bpf_lsm_sem_semop(struct kern_ipc_perm *perm, struct sembuf *sops, unsigned int nsops,
    int alter);
int bpf_lsm_setprocattr(const char *name, void *value, size_t size);
int bpf_lsm_setselfattr(unsigned int attr, struct lsm_ctx *ctx, u32 size, u32 flags);
int bpf_lsm_settime(const struct timespec64 *ts, const struct timezone *tz);
int bpf_lsm_shm_alloc_security(struct kern_ipc_perm *perm);
int bpf_lsm_shm_associate(struct kern_ipc_perm *perm, int shmflg);
void bpf_lsm_shm_free_security(struct kern_ipc_perm *perm);
int bpf_lsm_shm_shmat(struct kern_ipc_perm *perm, char *shmaddr, int shmflg);
int bpf_lsm_shm_shmctl(struct kern_ipc_perm *perm, int cmd);
int bpf_lsm_sk_alloc_security(struct sock *sk, int family, gfp_t priority);
void bpf_lsm_sk_clone_security(const struct sock *sk, struct sock *newsk);
void bpf_lsm_sk_free_security(struct sock *sk);
void bpf_lsm_sk_getsecid(const struct sock *sk, u32 *secid);
void bpf_lsm_sock_graft(struct sock *sk, struct socket *parent);
int bpf_lsm_socket_accept(struct socket *sock, struct socket *newsock);
int bpf_lsm_socket_bind(struct socket *sock, struct sockaddr *address, int addrlen);
int bpf_lsm_socket_connect(struct socket *sock, struct sockaddr *address, int addrlen);
int bpf_lsm_socket_create(int family, int type, int protocol, int kern);
int bpf_lsm_socket_getpeername(struct socket *sock);
int bpf_lsm_socket_getpeersec_dgram(struct socket *sock, struct sk_buff *skb, u32 *secid);
int bpf_lsm_socket_getpeersec_stream(struct socket *sock, sockptr_t optval, sockptr_t optlen,
    unsigned int len);
int bpf_lsm_socket_getsockname(struct socket *sock);
int bpf_lsm_socket_getsockopt(struct socket *sock, int level, int optname);
int bpf_lsm_socket_listen(struct socket *sock, int backlog);
int bpf_lsm_socket_post_create(struct socket *sock, int family, int type, int protocol, int kern);
int bpf_lsm_socket_recvmsg(struct socket *sock, struct msghdr *msg, int size, int flags);
int bpf_lsm_socket_sendmsg(struct socket *sock, struct msghdr *msg, int size);
int bpf_lsm_socket_setsockopt(struct socket *sock, int level, int optname);
int bpf_lsm_socket_shutdown(struct socket *sock, int how);
int bpf_lsm_socket_sock_rcv_skb(struct sock *sk, struct sk_buff *skb);
int bpf_lsm_socket_socketpair(struct socket *socka, struct socket *sockb);
int bpf_lsm_syslog(int type);
int bpf_lsm_task_alloc(struct task_struct *task, u64 clone_flags);
int bpf_lsm_task_fix_setgid(struct cred *new, const struct cred *old, int flags);
int bpf_lsm_task_fix_setgroups(struct cred *new, const struct cred *old);
int bpf_lsm_task_fix_setuid(struct cred *new, const struct cred *old, int flags);
void bpf_lsm_task_free(struct task_struct *task);
int bpf_lsm_task_getioprio(struct task_struct *p);
void bpf_lsm_task_getlsmprop_obj(struct task_struct *p, struct lsm_prop *prop);
int bpf_lsm_task_getpgid(struct task_struct *p);
int bpf_lsm_task_getscheduler(struct task_struct *p);
int bpf_lsm_task_getsid(struct task_struct *p);
int bpf_lsm_task_kill(struct task_struct *p, struct kernel_siginfo *info, int sig,
    const struct cred *cred);
int bpf_lsm_task_movememory(struct task_struct *p);
int bpf_lsm_task_prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4,
    unsigned long arg5);
int bpf_lsm_task_prlimit(const struct cred *cred, const struct cred *tcred, unsigned int flags);
int bpf_lsm_task_setioprio(struct task_struct *p, int ioprio);
int bpf_lsm_task_setnice(struct task_struct *p, int nice);
int bpf_lsm_task_setpgid(struct task_struct *p, pid_t pgid);
int bpf_lsm_task_setrlimit(struct task_struct *p, unsigned int resource, struct rlimit *new_rlim);
int bpf_lsm_task_setscheduler(struct task_struct *p);
void bpf_lsm_task_to_inode(struct task_struct *p, struct inode *inode);
int bpf_lsm_tun_dev_alloc_security(void *security);
int bpf_lsm_tun_dev_attach(struct sock *sk, void *security);
int bpf_lsm_tun_dev_attach_queue(void *security);
int bpf_lsm_tun_dev_create(void);
int bpf_lsm_tun_dev_open(void *security);
int bpf_lsm_unix_find(const struct path *path, struct sock *other, int flags);
int bpf_lsm_unix_may_send(struct socket *sock, struct socket *other);
int bpf_lsm_unix_stream_connect(struct sock *sock, struct sock *other, struct sock *newsk);
int bpf_lsm_uring_allowed(void);
int bpf_lsm_uring_cmd(struct io_uring_cmd *ioucmd);
int bpf_lsm_uring_override_creds(const struct cred *new);
int bpf_lsm_uring_sqpoll(void);
int bpf_lsm_userns_create(const struct cred *cred);
int bpf_lsm_verify_prog(struct bpf_verifier_log *vlog, const struct bpf_prog *prog);
int bpf_lsm_vm_enough_memory(struct mm_struct *mm, long pages);
int bpf_lsm_xfrm_decode_session(struct sk_buff *skb, u32 *secid, int ckall);
int bpf_lsm_xfrm_policy_alloc_security(struct xfrm_sec_ctx **ctxp,
    struct xfrm_user_sec_ctx *sec_ctx, gfp_t gfp);
int bpf_lsm_xfrm_policy_clone_security(struct xfrm_sec_ctx *old_ctx,
    struct xfrm_sec_ctx **new_ctx);
int bpf_lsm_xfrm_policy_delete_security(struct xfrm_sec_ctx *ctx);
void bpf_lsm_xfrm_policy_free_security(struct xfrm_sec_ctx *ctx);
int bpf_lsm_xfrm_policy_lookup(struct xfrm_sec_ctx *ctx, u32 fl_secid);
int bpf_lsm_xfrm_state_alloc(struct xfrm_state *x, struct xfrm_user_sec_ctx *sec_ctx);
int bpf_lsm_xfrm_state_alloc_acquire(struct xfrm_state *x, struct xfrm_sec_ctx *polsec,
    u32 secid);
int bpf_lsm_xfrm_state_delete_security(struct xfrm_state *x);
void bpf_lsm_xfrm_state_free_security(struct xfrm_state *x);
int bpf_lsm_xfrm_state_pol_flow_match(struct xfrm_state *x, struct xfrm_policy *xp,
    const struct flowi_common *flic);
`;

/** Hooks whose function `security_…` is another, or is none. */
export const WITHOUT_FUNCTION = `
dentry_init_security fs_context_dup getprocattr getselfattr ib_alloc_security inode_init_security
inode_rename lsmprop_to_secctx mmap_file msg_queue_associate msg_queue_msgctl msg_queue_msgrcv
msg_queue_msgsnd sb_eat_lsm_opts sem_associate sem_semctl sem_semop setprocattr setselfattr
shm_associate shm_shmat shm_shmctl tun_dev_alloc_security xfrm_decode_session bdev_alloc_security
bdev_free_security bprm_check_security cred_prepare cred_transfer file_alloc_security
file_free_security has_d_inode_locked hook_returns_errno inode_alloc_security inode_free_security
inode_free_security_rcu inode_xattr_skipcap msg_msg_alloc_security msg_msg_free_security
msg_queue_alloc_security msg_queue_free_security sb_alloc_security sb_free_mnt_opts
sb_free_security sem_alloc_security sem_free_security settime shm_alloc_security shm_free_security
sk_alloc_security sk_clone_security sk_free_security sk_getsecid socket_sock_rcv_skb userns_create
verify_prog vm_enough_memory xfrm_policy_alloc_security xfrm_policy_clone_security
xfrm_policy_delete_security xfrm_policy_free_security xfrm_state_delete_security
xfrm_state_free_security
`;
