/** What bpf(2) is given. include/uapi/linux/bpf.h */
export const ATTR = `
union bpf_attr {
  struct {
    __u32 map_type, key_size, value_size, max_entries, map_flags, inner_map_fd, numa_node;
    char map_name[16];
    __u32 map_ifindex, btf_fd, btf_key_type_id, btf_value_type_id, btf_vmlinux_value_type_id;
    __u64 map_extra; __s32 value_type_btf_obj_fd, map_token_fd; __u64 excl_prog_hash;
    __u32 excl_prog_hash_size;
  };
  struct {
    __u32 map_fd; __u64 key;
    union {
      __u64 value, next_key;
    };
    __u64 flags;
  };
  struct {
    __u64 in_batch, out_batch, keys, values; __u32 count, map_fd; __u64 elem_flags, flags;
  } batch;
  struct {
    __u32 prog_type, insn_cnt; __u64 insns, license; __u32 log_level, log_size; __u64 log_buf;
    __u32 kern_version, prog_flags; char prog_name[16];
    __u32 prog_ifindex, expected_attach_type, prog_btf_fd, func_info_rec_size; __u64 func_info;
    __u32 func_info_cnt, line_info_rec_size; __u64 line_info; __u32 line_info_cnt, attach_btf_id;
    union {
      __u32 attach_prog_fd, attach_btf_obj_fd;
    };
    __u32 core_relo_cnt; __u64 fd_array, core_relos; __u32 core_relo_rec_size, log_true_size;
    __s32 prog_token_fd; __u32 fd_array_cnt; __u64 signature; __u32 signature_size;
    __s32 keyring_id;
  };
  struct {
    __u64 pathname; __u32 bpf_fd, file_flags; __s32 path_fd;
  };
  struct {
    union {
      __u32 target_fd, target_ifindex;
    };
    __u32 attach_bpf_fd, attach_type, attach_flags, replace_bpf_fd;
    union {
      __u32 relative_fd, relative_id;
    };
    __u64 expected_revision;
  };
  struct {
    __u32 prog_fd, retval, data_size_in, data_size_out; __u64 data_in, data_out;
    __u32 repeat, duration, ctx_size_in, ctx_size_out; __u64 ctx_in, ctx_out;
    __u32 flags, cpu, batch_size;
  } test;
  struct {
    union {
      __u32 start_id, prog_id, map_id, btf_id, link_id;
    };
    __u32 next_id, open_flags; __s32 fd_by_id_token_fd;
  };
  struct {
    __u32 bpf_fd, info_len; __u64 info;
  } info;
  struct {
    union {
      __u32 target_fd, target_ifindex;
    };
    __u32 attach_type, query_flags, attach_flags; __u64 prog_ids;
    union {
      __u32 prog_cnt, count;
    };
    __u64 prog_attach_flags, link_ids, link_attach_flags, revision;
  } query;
  struct {
    __u64 name; __u32 prog_fd; __u64 cookie;
  } raw_tracepoint;
  struct {
    __u64 btf, btf_log_buf;
    __u32 btf_size, btf_log_size, btf_log_level, btf_log_true_size, btf_flags; __s32 btf_token_fd;
  };
  struct {
    __u32 pid, fd, flags, buf_len; __u64 buf; __u32 prog_id, fd_type;
    __u64 probe_offset, probe_addr;
  } task_fd_query;
  struct {
    union {
      __u32 prog_fd, map_fd;
    };
    union {
      __u32 target_fd, target_ifindex;
    };
    __u32 attach_type, flags;
    union {
      __u32 target_btf_id;
      struct {
        __u64 iter_info; __u32 iter_info_len;
      };
      struct {
        __u64 bpf_cookie;
      } perf_event;
      struct {
        __u32 flags, cnt; __u64 syms, addrs, cookies;
      } kprobe_multi;
      struct {
        __u32 target_btf_id; __u64 cookie;
      } tracing;
      struct {
        __u32 pf, hooknum; __s32 priority; __u32 flags;
      } netfilter;
      struct {
        union {
          __u32 relative_fd, relative_id;
        };
        __u64 expected_revision;
      } tcx;
      struct {
        __u64 path, offsets, ref_ctr_offsets, cookies; __u32 cnt, flags, pid, path_fd;
      } uprobe_multi;
      struct {
        union {
          __u32 relative_fd, relative_id;
        };
        __u64 expected_revision;
      } netkit;
      struct {
        union {
          __u32 relative_fd, relative_id;
        };
        __u64 expected_revision;
      } cgroup;
      struct {
        __u64 ids, cookies; __u32 cnt;
      } tracing_multi;
    };
  } link_create;
  struct {
    __u32 link_fd;
    union {
      __u32 new_prog_fd, new_map_fd;
    };
    __u32 flags;
    union {
      __u32 old_prog_fd, old_map_fd;
    };
  } link_update;
  struct {
    __u32 link_fd;
  } link_detach;
  struct {
    __u32 type;
  } enable_stats;
  struct {
    __u32 link_fd, flags;
  } iter_create;
  struct {
    __u32 prog_fd, map_fd, flags;
  } prog_bind_map;
  struct {
    __u32 flags, bpffs_fd;
  } token_create;
  struct {
    __u64 stream_buf; __u32 stream_buf_len, stream_id, prog_fd;
  } prog_stream_read;
  struct {
    __u32 map_fd, prog_fd, flags;
  } prog_assoc_struct_ops;
};
`;
