import type { Catalog } from '../../../protocol/catalog.ts';

/** A small piece of a real kernel's catalog. */
export const smallCatalog: Catalog = {
  format: 'probescope-catalog',
  version: 1,
  target: { bpftraceVersion: '0.17.0', arch: 'x86_64' },
  tracepoints: {
    block: {
      block_rq_issue:
        'unsigned short|common_type|0;dev_t|dev|8;sector_t|sector|16;unsigned int|nr_sector|24;unsigned int|bytes|28;char[8]|rwbs|34;char[16]|comm|42',
      block_rq_complete: 'dev_t|dev|8;sector_t|sector|16;int|error|28',
    },
    syscalls: { sys_enter_openat: 'int|__syscall_nr|8;int|dfd|16;const char *|filename|24;int|flags|32' },
  },
  functions: {
    vfs_read: 'ssize_t;struct file *|file;char *|buf;size_t|count;loff_t *|pos',
    vfs_write: 'ssize_t;struct file *|file',
    do_nanosleep: '',
  },
  structs: {
    'struct file': '232:struct path|f_path|16;struct inode *|f_inode|32;unsigned int|f_flags|64',
    'struct inode': '600:umode_t|i_mode|0;unsigned long|i_ino|64',
    'struct task_struct': '9000:int|prio|100;char[16]|comm|2000',
  },
  enums: { pid_type: { PIDTYPE_PID: '0', PIDTYPE_TGID: '1' } },
};
