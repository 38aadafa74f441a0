/*
 * Runs programs of system calls on the Linux of this machine and reports what each call returned.
 * The text form of programs and reports: README.md.
 *
 * No descriptor of the runner is open while a program runs: programs and reports are in a System V
 * shared memory segment, which needs none, and which a new image attaches again by its number.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	OPS_MAX = 512,
	ARGS_MAX = 16,
	WORD_MAX = 40,
	VALUES_MAX = 256,
	PROCS_MAX = 128,
	REPORT_MAX = 1 << 20,
	BUFFER_SIZE = 1 << 17,
	LIMIT = 1024,		/* RLIMIT_NOFILE, soft and hard, at the start of a program */
	TIMEOUT_SECONDS = 5,
	NOBODY = 65534,
};

struct arg {
	enum { NUMBER, REFERENCE, WORD } type;
	long long number;	/* of a reference: the op */
	int part;		/* of a reference: which of its descriptors */
	char word[WORD_MAX];
};

struct op {
	int at;			/* -1: the end of a process */
	int end;		/* of a fork: where its child's ops end */
	int argc;
	char name[16];
	struct arg argv[ARGS_MAX];
};

struct values {
	int count;
	int of[VALUES_MAX];
};

struct shared {
	struct op ops[OPS_MAX];
	int op_count;
	struct values values[OPS_MAX];	/* what each op yielded, by its number */
	pid_t pids[PROCS_MAX];
	int proc_count;
	int fd_max;		/* the highest descriptor that any op has made */
	rlim_t soft_before_exec;
	size_t used;
	char report[REPORT_MAX];
};

static struct shared *shared;
static int segment;
static char buffer[BUFFER_SIZE];
static const char *const bad_address = (char *)8;
static const char *const kernel_address = (char *)0xffff800000000000ul;

static void die(const char *what)
{
	fprintf(stderr, "runner: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* The report */

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	size_t room = REPORT_MAX - shared->used;
	int length = vsnprintf(shared->report + shared->used, room, format, list);
	va_end(list);
	if (length > 0 && (size_t)length < room)
		shared->used += length;
}

static const char *error_name(int number)
{
	static char other[16];

	if (number == 0)
		return "-";
	const char *name = strerrorname_np(number);
	if (name)
		return name;
	snprintf(other, sizeof other, "E%d", number);
	return other;
}

/** Begins the line of an op; the caller ends it. */
static void say_result(const struct op *op, long ret, int error)
{
	say("%d %ld %s", op->at, ret, error_name(ret < 0 ? error : 0));
}

static void done(const struct op *op, long ret)
{
	int error = errno;

	say_result(op, ret, error);
	say("\n");
}

static void yield_value(const struct op *op, int value)
{
	struct values *values = &shared->values[op->at];

	if (values->count < VALUES_MAX)
		values->of[values->count++] = value;
}

static void yield_fd(const struct op *op, int fd)
{
	yield_value(op, fd);
	if (fd > shared->fd_max)
		shared->fd_max = fd;
}

/** The report of an op that makes a descriptor. */
static void done_fd(const struct op *op, long ret)
{
	int error = errno;

	if (ret >= 0)
		yield_fd(op, ret);
	errno = error;
	done(op, ret);
}

static void say_pid(pid_t pid)
{
	for (int i = shared->proc_count - 1; i >= 0; i--)
		if (shared->pids[i] == pid) {
			say("p%d", i);
			return;
		}
	say("outside");
}

static void say_data(long count)
{
	uint32_t hash = 0x811c9dc5;

	if (count < 0)
		return;
	say(" data=");
	if (count <= 32) {
		for (long i = 0; i < count; i++)
			say("%02x", (unsigned char)buffer[i]);
		return;
	}
	for (long i = 0; i < count; i++)
		hash = (hash ^ (unsigned char)buffer[i]) * 0x01000193; /* FNV-1a */
	say("#%08x", hash);
}

static void say_descriptors(void)
{
	const char *separator = " fds=";

	for (int fd = 0; fd <= shared->fd_max; fd++) {
		int flags = fcntl(fd, F_GETFD);
		if (flags < 0)
			continue;
		say("%s%d:%x%s", separator, fd, fcntl(fd, F_GETFL), flags ? "c" : "");
		separator = ",";
	}
}

/* The operands */

static long long number(const struct op *op, int index)
{
	const struct arg *arg = &op->argv[index];

	if (index >= op->argc)
		return 0;
	if (arg->type != REFERENCE)
		return arg->number;
	const struct values *values = &shared->values[arg->number];
	return arg->part < values->count ? values->of[arg->part] : -1;
}

static int is_word(const struct op *op, int index, const char *word)
{
	return index < op->argc && op->argv[index].type == WORD &&
	       strcmp(op->argv[index].word, word) == 0;
}

/** The address that a word stands for; `good` where it is none of the bad ones. */
static void *pointer(const struct op *op, int index, void *good)
{
	if (is_word(op, index, "null"))
		return NULL;
	if (is_word(op, index, "bad"))
		return (void *)bad_address;
	if (is_word(op, index, "kernel"))
		return (void *)kernel_address;
	return good;
}

/** Fills the buffer with the eight bytes of `value`, lowest first, again and again. */
static void fill(unsigned long long value, unsigned long long count)
{
	for (unsigned i = 0; i < count && i < BUFFER_SIZE; i++)
		buffer[i] = value >> (i % 8 * 8);
}

/* Nothing may block: the file is nonblocking while the call runs. */

static int unblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || flags & (O_NONBLOCK | O_PATH))
		return -1;
	return fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -1 : flags;
}

static void block_again(int fd, int flags, long ret)
{
	int error = errno;

	if (flags >= 0) {
		fcntl(fd, F_SETFL, flags);
		if (ret < 0 && error == EAGAIN)
			say(" blocks");
	}
}

/* Processes */

static void say_status(int status)
{
	if (WIFEXITED(status))
		say(" status=exit:%d", WEXITSTATUS(status));
	else
		say(" status=signal:%d", WTERMSIG(status));
}

static void run(int pc);

static int op_fork(const struct op *op, int pc)
{
	long flags = SIGCHLD | (is_word(op, 1, "files") ? CLONE_FILES : 0);
	int index = shared->proc_count++;
	pid_t pid = syscall(SYS_clone, flags, 0, 0, 0, 0);
	int status;

	if (pid == 0) {
		shared->pids[index] = getpid();
		run(pc + 1);
	}
	if (pid < 0) {
		done(op, pid);
		return op->end;
	}
	shared->pids[index] = pid;
	yield_value(op, pid);
	if (is_word(op, 0, "hold")) {
		siginfo_t info;
		waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
		say("%d p%d -\n", op->at, index);
		return op->end;
	}
	wait4(pid, &status, 0, NULL);
	say("%d p%d -", op->at, index);
	say_status(status);
	say("\n");
	return op->end;
}

static void op_wait4(const struct op *op)
{
	int status = 0;
	struct rusage usage;
	long ret = syscall(SYS_wait4, (int)number(op, 0), pointer(op, 1, &status),
			   (int)number(op, 2), pointer(op, 3, &usage));

	if (ret <= 0) {
		done(op, ret);
		return;
	}
	say("%d ", op->at);
	say_pid(ret);
	say(" -");
	if (pointer(op, 1, &status) == &status)
		say_status(status);
	say("\n");
}

static void op_exit(const struct op *op)
{
	say_result(op, 0, 0);
	say("\n");
	_exit(number(op, 0));
}

static void op_getpid(const struct op *op)
{
	say("%d ", op->at);
	say_pid(getpid());
	say(" -\n");
}

static void op_getppid(const struct op *op)
{
	say("%d ", op->at);
	say_pid(getppid());
	say(" -\n");
}

static void op_clone(const struct op *op)
{
	long ret = syscall(SYS_clone, (unsigned long)number(op, 0), 0, 0, 0, 0);

	if (ret == 0)
		_exit(0);
	done(op, ret);
}

static const char *path_of(const struct op *op)
{
	static const struct { const char *word, *path; } paths[] = {
		{ "devnull", "/dev/null" }, { "missing", "/nonexistent/file" },
		{ "empty", "" }, { "root", "/" }, { "under", "/dev/null/file" },
		{ "self", "/proc/self/exe" },
	};

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		if (is_word(op, 0, paths[i].word))
			return paths[i].path;
	return pointer(op, 0, "/dev/null");
}

static void op_exec(const struct op *op, int pc)
{
	char segment_text[16], pc_text[16];
	char *arguments[] = { "runner", "--resume", segment_text, pc_text, NULL };
	char *environment[] = { NULL };
	struct rlimit limit;

	snprintf(segment_text, sizeof segment_text, "%d", segment);
	snprintf(pc_text, sizeof pc_text, "%d", pc);
	/* The loader of the new image opens libraries, and must not meet the program's limit. */
	getrlimit(RLIMIT_NOFILE, &limit);
	shared->soft_before_exec = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	int ret = execve(path_of(op), arguments, environment);
	int error = errno;
	limit.rlim_cur = shared->soft_before_exec;
	setrlimit(RLIMIT_NOFILE, &limit);
	errno = error;
	done(op, ret);
}

static void resume(const char *segment_text, const char *pc_text)
{
	struct rlimit limit;
	int pc = atoi(pc_text);

	segment = atoi(segment_text);
	shared = shmat(segment, NULL, 0);
	if (shared == (void *)-1)
		_exit(99);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = shared->soft_before_exec;
	setrlimit(RLIMIT_NOFILE, &limit);
	say_result(&shared->ops[pc], 0, 0);
	say_descriptors();
	say("\n");
	run(pc + 1);
}

/* Descriptors */

static void op_open(const struct op *op)
{
	done_fd(op, syscall(SYS_open, path_of(op), (int)number(op, 1), 0600));
}

static void op_dup(const struct op *op)
{
	done_fd(op, syscall(SYS_dup, (int)number(op, 0)));
}

static void op_dup2(const struct op *op)
{
	done_fd(op, syscall(SYS_dup2, (int)number(op, 0), (int)number(op, 1)));
}

static void op_dup3(const struct op *op)
{
	done_fd(op, syscall(SYS_dup3, (int)number(op, 0), (int)number(op, 1), (int)number(op, 2)));
}

static void op_close(const struct op *op)
{
	done(op, syscall(SYS_close, (int)number(op, 0)));
}

static void op_close_range(const struct op *op)
{
	done(op, syscall(SYS_close_range, (unsigned)number(op, 0), (unsigned)number(op, 1),
			 (unsigned)number(op, 2)));
}

static void op_fcntl(const struct op *op)
{
	int command = number(op, 1);
	long ret = syscall(SYS_fcntl, (int)number(op, 0), command, (long)number(op, 2));

	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
		done_fd(op, ret);
	else
		done(op, ret);
}

static void done_pair(const struct op *op, long ret, const int *fds)
{
	int error = errno;

	say_result(op, ret, error);
	if (ret == 0) {
		yield_fd(op, fds[0]);
		yield_fd(op, fds[1]);
		say(" fds=%d,%d", fds[0], fds[1]);
	}
	say("\n");
}

static void op_pipe2(const struct op *op)
{
	int fds[2];

	done_pair(op, syscall(SYS_pipe2, pointer(op, 0, fds), (int)number(op, 1)), fds);
}

static void op_socketpair(const struct op *op)
{
	int fds[2];

	done_pair(op, syscall(SYS_socketpair, (int)number(op, 1), (int)number(op, 2),
			      (int)number(op, 3), pointer(op, 0, fds)), fds);
}

static void op_eventfd2(const struct op *op)
{
	done_fd(op, syscall(SYS_eventfd2, (unsigned)number(op, 0), (int)number(op, 1)));
}

static void op_read(const struct op *op)
{
	int fd = number(op, 0);
	int flags = unblock(fd);
	long ret = syscall(SYS_read, fd, pointer(op, 1, buffer), (size_t)number(op, 2));
	int error = errno;

	say_result(op, ret, error);
	if (pointer(op, 1, buffer) == buffer)
		say_data(ret);
	errno = error;
	block_again(fd, flags, ret);
	say("\n");
}

static void op_write(const struct op *op)
{
	int fd = number(op, 0);
	int flags = unblock(fd);

	fill(number(op, 3), number(op, 2));
	long ret = syscall(SYS_write, fd, pointer(op, 1, buffer), (size_t)number(op, 2));
	int error = errno;
	say_result(op, ret, error);
	errno = error;
	block_again(fd, flags, ret);
	say("\n");
}

static void op_lseek(const struct op *op)
{
	int fd = number(op, 0), whence = number(op, 2);
	struct stat status;

	if (whence >= SEEK_END && whence <= SEEK_HOLE && fstat(fd, &status) == 0 &&
	    S_ISDIR(status.st_mode)) {
		say("%d -1 SKIPPED\n", op->at); /* see README.md: ends of directories */
		return;
	}
	done(op, syscall(SYS_lseek, fd, (off_t)number(op, 1), whence));
}

static void op_setrlimit(const struct op *op)
{
	struct rlimit limit = { number(op, 0), number(op, 1) };

	done(op, setrlimit(RLIMIT_NOFILE, &limit));
}

static void op_survey(const struct op *op)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	say("%d 0 - limit=%d", op->at, (int)limit.rlim_cur);
	say_descriptors();
	say("\n");
}

/* Messages */

static char control[CMSG_SPACE(sizeof(int) * VALUES_MAX)] __attribute__((aligned(8)));

/** The control data of sendmsg: argument 5 says of which form, 6 how often, 7... which fds. */
static int fill_control(const struct op *op, struct msghdr *message)
{
	int count = 0, copies = number(op, 6), sockets = 0;
	struct cmsghdr *header = (struct cmsghdr *)control;
	int *fds = (int *)CMSG_DATA(header);
	struct stat status;

	for (int copy = 0; copy < copies; copy++)
		for (int i = 7; i < op->argc && count < VALUES_MAX; i++) {
			fds[count++] = number(op, i);
			if (fstat(fds[count - 1], &status) == 0 && S_ISSOCK(status.st_mode))
				sockets++;
		}
	header->cmsg_level = is_word(op, 5, "other") ? 12345 : SOL_SOCKET;
	header->cmsg_type = is_word(op, 5, "unknown") ? 99 : SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	message->msg_control = control;
	message->msg_controllen = CMSG_SPACE(count * sizeof(int));
	if (is_word(op, 5, "short"))
		header->cmsg_len = sizeof(struct cmsghdr) - 1;
	if (is_word(op, 5, "long"))
		header->cmsg_len = message->msg_controllen + 1;
	if (is_word(op, 5, "none"))
		message->msg_controllen = 0;
	return sockets;
}

static void op_sendmsg(const struct op *op)
{
	int fd = number(op, 0);
	struct iovec data = { pointer(op, 1, buffer), number(op, 2) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	if (fill_control(op, &message)) {
		say("%d -1 SKIPPED\n", op->at); /* see README.md: sockets in flight */
		return;
	}
	fill(number(op, 3), number(op, 2));
	int flags = unblock(fd);
	long ret = syscall(SYS_sendmsg, fd,
			   is_word(op, 1, "msg") ? (void *)bad_address : &message,
			   (int)number(op, 4));
	int error = errno;
	say_result(op, ret, error);
	errno = error;
	block_again(fd, flags, ret);
	say("\n");
}

static void say_received(const struct op *op, struct msghdr *message)
{
	say(" flags=%x control=%zu", message->msg_flags, message->msg_controllen);
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int *fds = (int *)CMSG_DATA(header);

		say(" %s=", header->cmsg_type == SCM_RIGHTS ? "rights" : "other");
		for (size_t i = 0; i < count; i++) {
			yield_fd(op, fds[i]);
			say("%s%d%s", i ? "," : "", fds[i], fcntl(fds[i], F_GETFD) ? "c" : "");
		}
	}
}

static void op_recvmsg(const struct op *op)
{
	int fd = number(op, 0);
	struct iovec data = { pointer(op, 1, buffer), number(op, 2) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control };
	int flags = unblock(fd);

	message.msg_controllen = number(op, 4);
	long ret = syscall(SYS_recvmsg, fd,
			   is_word(op, 1, "msg") ? (void *)bad_address : &message,
			   (int)number(op, 3));
	int error = errno;
	say_result(op, ret, error);
	if (ret >= 0) {
		if (data.iov_base == buffer || ret == 0)
			say_data(ret);
		say_received(op, &message);
	}
	errno = error;
	block_again(fd, flags, ret);
	say("\n");
}

/* prctl */

/** `prctl option arg2 arg3 arg4 arg5`; arg2 may be a name after a `=`, or an address. */
static void op_prctl(const struct op *op)
{
	int option = number(op, 0), out[4] = { -1, -1, -1, -1 };
	const struct arg *second = &op->argv[1];
	unsigned long address = second->number;

	if (second->type == WORD && second->word[0] == '=')
		address = (unsigned long)(second->word + 1);
	else if (second->type == WORD)
		address = (unsigned long)pointer(op, 1, out);
	long ret = syscall(SYS_prctl, option, address, (unsigned long)number(op, 2),
			   (unsigned long)number(op, 3), (unsigned long)number(op, 4));
	int error = errno;
	say_result(op, ret, error);
	if (ret >= 0 && address == (unsigned long)out) {
		if (option == PR_GET_NAME)
			say(" name=%.16s", (char *)out);
		else if (option == PR_GET_PDEATHSIG || option == PR_GET_CHILD_SUBREAPER)
			say(" value=%d", out[0]);
	}
	say("\n");
}

static const struct { const char *name; void (*run)(const struct op *op); } table[] = {
	{ "wait4", op_wait4 }, { "exit", op_exit }, { "getpid", op_getpid },
	{ "getppid", op_getppid }, { "clone", op_clone }, { "open", op_open }, { "dup", op_dup },
	{ "dup2", op_dup2 }, { "dup3", op_dup3 }, { "close", op_close },
	{ "close_range", op_close_range }, { "fcntl", op_fcntl }, { "pipe2", op_pipe2 },
	{ "socketpair", op_socketpair }, { "eventfd2", op_eventfd2 }, { "read", op_read },
	{ "write", op_write }, { "lseek", op_lseek }, { "setrlimit", op_setrlimit },
	{ "survey", op_survey }, { "sendmsg", op_sendmsg }, { "recvmsg", op_recvmsg },
	{ "prctl", op_prctl },
};

static void run(int pc)
{
	for (;; pc++) {
		const struct op *op = &shared->ops[pc];

		if (op->at < 0)
			_exit(0);
		if (strcmp(op->name, "fork") == 0) {
			pc = op_fork(op, pc);
			continue;
		}
		if (strcmp(op->name, "exec") == 0) {
			op_exec(op, pc);
			continue;
		}
		for (size_t i = 0; i < sizeof table / sizeof *table; i++)
			if (strcmp(op->name, table[i].name) == 0)
				table[i].run(op);
	}
}

/* Reading programs */

static void parse_arg(const char *token, struct arg *arg)
{
	char *rest;

	memset(arg, 0, sizeof *arg);
	if (token[0] == '@') {
		arg->type = REFERENCE;
		arg->number = strtoll(token + 1, &rest, 10);
		arg->part = *rest == '.' ? atoi(rest + 1) : 0;
		if (arg->number < 0 || arg->number >= OPS_MAX || arg->part < 0)
			die("reference out of range");
		return;
	}
	arg->type = NUMBER;
	if (token[0] == '-')
		arg->number = strtoll(token, &rest, 0);
	else
		arg->number = (long long)strtoull(token, &rest, 0);
	if (rest != token && *rest == 0)
		return;
	arg->type = WORD;
	snprintf(arg->word, sizeof arg->word, "%s", token);
}

/** Reads up to the line `.`; false at the end of the input. */
static int read_program(FILE *input)
{
	char line[4096];
	int forks[OPS_MAX], depth = 0, at = 0;

	shared->op_count = 0;
	while (fgets(line, sizeof line, input)) {
		char *save, *token = strtok_r(line, " \t\n", &save);
		struct op *op = &shared->ops[shared->op_count];

		if (!token || token[0] == '#')
			continue;
		if (shared->op_count >= OPS_MAX - 1)
			die("program too long");
		memset(op, 0, sizeof *op);
		op->at = -1;
		if (strcmp(token, ".") == 0)
			return 1;
		shared->op_count++;
		if (strcmp(token, "end") == 0) {
			if (depth == 0)
				die("end without fork");
			shared->ops[forks[--depth]].end = shared->op_count - 1;
			continue;
		}
		op->at = at++;
		snprintf(op->name, sizeof op->name, "%s", token);
		if (strcmp(token, "fork") == 0)
			forks[depth++] = shared->op_count - 1;
		while (op->argc < ARGS_MAX && (token = strtok_r(NULL, " \t\n", &save)))
			parse_arg(token, &op->argv[op->argc++]);
	}
	return 0;
}

/* Running them, each in a process of its own */

static volatile sig_atomic_t program_pid, timed_out;

static void on_alarm(int signal)
{
	(void)signal;
	timed_out = 1;
	if (program_pid > 0)
		kill(-program_pid, SIGKILL);
}

static void start_program(void)
{
	setpgid(0, 0);
	syscall(SYS_close_range, 0, ~0u, 0);
	if (open("/dev/null", O_RDWR) != 0 || dup(0) != 1 || dup(0) != 2)
		_exit(98);
	signal(SIGALRM, SIG_DFL);
	prctl(PR_SET_NAME, "program");
	shared->pids[0] = getpid();
	run(0);
}

static void run_program(void)
{
	int status = 0;

	shared->used = 0;
	shared->proc_count = 1;
	shared->fd_max = 2;
	for (int i = 0; i < shared->op_count; i++)
		shared->values[i].count = 0;
	timed_out = 0;
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		start_program();
	program_pid = pid;
	alarm(TIMEOUT_SECONDS);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	kill(-pid, SIGKILL); /* what the program left behind: nothing, if all is well */
	while (waitpid(-1, NULL, 0) > 0)
		;
	alarm(0);
	program_pid = 0;
	fwrite(shared->report, 1, shared->used, stdout);
	if (timed_out)
		puts("timeout");
	else if (WIFSIGNALED(status))
		printf("killed %d\n", WTERMSIG(status));
	puts(".");
}

/** The state that every program starts in, whoever starts the runner. */
static void prepare(void)
{
	struct rlimit limit = { LIMIT, LIMIT };
	struct rlimit no_core = { 0, 0 };
	struct sigaction action = { .sa_handler = on_alarm };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int number = 1; number < 32; number++)
		signal(number, number == SIGPIPE ? SIG_IGN : SIG_DFL);
	sigaction(SIGALRM, &action, NULL);
	if (geteuid() == 0) {
		/* A user of our own: what users have in flight is counted, see ETOOMANYREFS. */
		uid_t user = NOBODY + getpid();
		if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
		    (setresuid(user, user, user) && setresuid(NOBODY, NOBODY, NOBODY)))
			die("cannot drop privileges");
		prctl(PR_SET_DUMPABLE, 1);
	}
	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("setrlimit");
	setrlimit(RLIMIT_CORE, &no_core);
	prctl(PR_SET_TIMERSLACK, 50000);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	segment = shmget(IPC_PRIVATE, sizeof *shared, 0600);
	if (segment < 0)
		die("shmget");
	shared = shmat(segment, NULL, 0);
	if (shared == (void *)-1)
		die("shmat");
	shmctl(segment, IPC_RMID, NULL); /* it goes with the last process that has it attached */
}

int main(int argc, char **argv)
{
	FILE *input = stdin;

	if (argc == 4 && strcmp(argv[1], "--resume") == 0)
		resume(argv[2], argv[3]);
	if (argc == 2)
		input = fopen(argv[1], "re");
	if (!input)
		die("cannot open the programs");
	prepare();
	while (read_program(input)) {
		run_program();
		if (fflush(stdout))
			die("write");
	}
	return 0;
}
