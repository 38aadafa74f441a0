/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXEC_EVENTS_H
#define EXEC_EVENTS_H

#define COMM_BYTES 16
#define PATH_BYTES 64

/* One record of the ring buffer `events`. */
struct exec_event {
	int pid;
	int ppid;
	unsigned int uid;
	unsigned int path_bytes; /* with the NUL */
	char comm[COMM_BYTES];
	char path[PATH_BYTES];
};

#endif
