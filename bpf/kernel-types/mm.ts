/** Memory: address spaces, pages, caches. */
export const MM = `
typedef unsigned long pgdval_t;
typedef struct {
  pgdval_t pgd;
} pgd_t;
typedef unsigned long pgprotval_t;
struct pgprot {
  pgprotval_t pgprot;
};
typedef struct pgprot pgprot_t;
typedef struct {
  unsigned long f;
} memdesc_flags_t;
struct page {
  memdesc_flags_t flags;
  union {
    struct {
      union {
        struct list_head lru, buddy_list, pcp_list; struct llist_node pcp_llist;
      };
      struct address_space *mapping;
      union {
        unsigned long __folio_index, share;
      };
      unsigned long private;
    };
    struct {
      unsigned long pp_magic; struct page_pool *pp; unsigned long _pp_mapping_pad, dma_addr;
      atomic_long_t pp_ref_count;
    };
    struct {
      unsigned long compound_info;
    };
    struct {
      void *_unused_pgmap_compound_info, *zone_device_data;
    };
    struct callback_head callback_head;
  };
  union {
    unsigned int page_type; atomic_t _mapcount;
  } 4;
  @52 atomic_t _refcount; unsigned long memcg_data;
};
typedef struct {
  unsigned long val;
} swp_entry_t;
typedef int mm_id_mapcount_t;
typedef unsigned int mm_id_t;
struct folio {
  union {
    struct {
      memdesc_flags_t flags;
      union {
        struct list_head lru;
        struct {
          void *__filler; unsigned int mlock_count;
        };
        struct dev_pagemap *pgmap;
      };
      struct address_space *mapping;
      union {
        unsigned long index, share;
      };
      union {
        void *private; swp_entry_t swap;
      };
      atomic_t _mapcount; @52 atomic_t _refcount; unsigned long memcg_data;
    };
    struct page page;
  };
  union {
    struct {
      unsigned long _flags_1, _head_1;
      union {
        struct {
          atomic_t _large_mapcount; @4 atomic_t _nr_pages_mapped; atomic_t _entire_mapcount;
          @12 atomic_t _pincount; mm_id_mapcount_t _mm_id_mapcount[2];
          union {
            mm_id_t _mm_id[2]; unsigned long _mm_ids;
          };
        };
        unsigned long _usable_1[4];
      };
      atomic_t _mapcount_1; @52 atomic_t _refcount_1; unsigned int _nr_pages;
    };
    struct page __page_1;
  };
  union {
    struct {
      unsigned long _flags_2, _head_2; struct list_head _deferred_list;
    };
    struct page __page_2;
  };
  union {
    struct {
      unsigned long _flags_3, _head_3;
      void *_hugetlb_subpool, *_hugetlb_cgroup, *_hugetlb_cgroup_rsvd, *_hugetlb_hwpoison;
    };
    struct page __page_3;
  };
};
typedef u32 errseq_t;
struct address_space {
  struct inode *host; struct xarray i_pages; struct rw_semaphore invalidate_lock; gfp_t gfp_mask;
  @60 atomic_t i_mmap_writable; struct rb_root_cached i_mmap;
  unsigned long nrpages, writeback_index; const struct address_space_operations *a_ops;
  unsigned long flags; errseq_t wb_err; @116 spinlock_t i_private_lock;
  struct rw_semaphore i_mmap_rwsem;
};
typedef unsigned long pmdval_t;
typedef struct {
  pmdval_t pmd;
} pmd_t;
typedef unsigned long pudval_t;
typedef struct {
  pudval_t pud;
} pud_t;
typedef struct page *pgtable_t;
struct vm_fault {
  struct {
    struct vm_area_struct *vma; gfp_t gfp_mask; unsigned long pgoff, address, real_address;
  };
  enum fault_flag flags; pmd_t *pmd; pud_t *pud;
  union {
    pte_t orig_pte; pmd_t orig_pmd;
  };
  struct page *cow_page, *page; pte_t *pte; spinlock_t *ptl; pgtable_t prealloc_pte;
};
struct vm_operations_struct {
  void *open, *close, *mapped, *may_split, *mremap, *mprotect, *fault, *huge_fault, *map_pages;
  void *pagesize, *page_mkwrite, *pfn_mkwrite, *access, *name, *set_policy, *get_policy;
  void *find_normal_page; const struct vm_uffd_ops *uffd_ops;
};
struct maple_tree {
  union {
    spinlock_t ma_lock;
  } 4;
  unsigned int ma_flags; void *ma_root;
};
struct reciprocal_value {
  u32 m; u8 sh1, sh2;
};
struct kmem_cache_order_objects {
  unsigned int x;
};
struct kmem_cache_per_node_ptrs {
  struct node_barn *barn; struct kmem_cache_node *node;
};
struct kmem_cache {
  struct slub_percpu_sheaves *cpu_sheaves; slab_flags_t flags; unsigned long min_partial;
  unsigned int size, object_size; struct reciprocal_value reciprocal_size;
  unsigned int offset, sheaf_capacity; struct kmem_cache_order_objects oo, min; gfp_t allocflags;
  int refcount; void *ctor; unsigned int inuse, align, red_left_pad; const char *name;
  struct list_head list; struct kobject kobj; unsigned long random;
  unsigned int remote_node_defrag_ratio, *random_seq, useroffset, usersize;
  struct kmem_cache_per_node_ptrs per_node[1024];
};
struct anon_vma_name {
  struct kref kref; char name[0];
} 4;
typedef u64 sector_t;
struct block_device {
  sector_t bd_start_sect, bd_nr_sectors; struct gendisk *bd_disk; struct request_queue *bd_queue;
  @52 dev_t bd_dev; @64 atomic_t bd_openers; @80 void *bd_holder;
  const struct blk_holder_ops *bd_holder_ops; struct mutex bd_holder_lock; int bd_holders;
  struct kobject *bd_holder_dir; @192 struct device bd_device;
};
struct dma_buf {
  size_t size; struct file *file; @32 const struct dma_buf_ops *ops; @64 const char *exp_name;
  const char *name; spinlock_t name_lock; struct module *owner; @112 void *priv;
} 232;
struct class {
  const char *name; const struct attribute_group **class_groups, **dev_groups;
  void *dev_uevent, *devnode, *class_release, *dev_release, *shutdown_pre;
  const struct kobj_ns_type_operations *ns_type; void *namespace, *get_ownership;
  const struct dev_pm_ops *pm;
};
struct dma_heap {
  const char *name; const struct dma_heap_ops *ops; void *priv; dev_t heap_devt;
  struct list_head list;
} 152;
`;
