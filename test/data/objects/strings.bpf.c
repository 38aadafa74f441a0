/* SPDX-License-Identifier: Apache-2.0 */
/* What kfuncs say of strings, and of what is none. Each program notes its answers in `seen`. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_strcmp(const char *s1, const char *s2) __ksym;
extern int bpf_strcasecmp(const char *s1, const char *s2) __ksym;
extern int bpf_strncasecmp(const char *s1, const char *s2, size_t len) __ksym;
extern int bpf_strchr(const char *s, char c) __ksym;
extern int bpf_strnchr(const char *s, size_t count, char c) __ksym;
extern int bpf_strchrnul(const char *s, char c) __ksym;
extern int bpf_strrchr(const char *s, int c) __ksym;
extern int bpf_strlen(const char *s) __ksym;
extern int bpf_strnlen(const char *s, size_t count) __ksym;
extern int bpf_strspn(const char *s, const char *accept) __ksym;
extern int bpf_strcspn(const char *s, const char *reject) __ksym;
extern int bpf_strstr(const char *s1, const char *s2) __ksym;
extern int bpf_strcasestr(const char *s1, const char *s2) __ksym;
extern int bpf_strnstr(const char *s1, const char *s2, size_t len) __ksym;
extern int bpf_strncasestr(const char *s1, const char *s2, size_t len) __ksym;

int seen[48];

char hello[] = "hello, World\x80";
char HELLO[] = "HELLO, wORLD\x80";
char hell[] = "hell";
char empty[] = "";
char world[] = "World";
char olleh[] = "olleh";
char worlds[] = "worldly";
/* Without an end. */
char endless[70000] = { [0 ... 69999] = 'a' };

#define NULL_STRING ((const char *)0)
#define USER_STRING ((const char *)0x1000)
#define BAD_STRING ((const char *)0xffffdead00000000)

SEC("syscall")
int compares(void *ctx)
{
	int i = 0;

	seen[i++] = bpf_strcmp(hello, hello);
	seen[i++] = bpf_strcmp(hello, HELLO);
	seen[i++] = bpf_strcmp(HELLO, hello);
	seen[i++] = bpf_strcmp(hello, hell);
	seen[i++] = bpf_strcmp(hell, hello);
	seen[i++] = bpf_strcmp(empty, hello);
	seen[i++] = bpf_strcmp(hello + 12, hello + 11);
	seen[i++] = bpf_strcmp(endless, endless);
	seen[i++] = bpf_strcasecmp(hello, HELLO);
	seen[i++] = bpf_strcasecmp(hello, hell);
	seen[i++] = bpf_strcasecmp(endless, endless);
	seen[i++] = bpf_strcasecmp("\xc9", "\xe9");
	seen[i++] = bpf_strcasecmp("\xd7", "\xf7");
	seen[i++] = bpf_strcasecmp("\xdf", "\xff");
	seen[i++] = bpf_strcmp("\x80", world);
	seen[i++] = bpf_strncasecmp(hello, hell, 4);
	seen[i++] = bpf_strncasecmp(hello, hell, 5);
	seen[i++] = bpf_strncasecmp(hello, HELLO, 0);
	seen[i++] = bpf_strncasecmp(endless, endless, 65535);
	seen[i++] = bpf_strncasecmp(endless, endless, 65536);
	seen[i++] = bpf_strncasecmp(endless, endless, 1ull << 40);
	seen[i++] = bpf_strcmp(NULL_STRING, hello);
	seen[i++] = bpf_strcmp(hello, NULL_STRING);
	seen[i++] = bpf_strcmp(USER_STRING, hello);
	seen[i++] = bpf_strcmp(BAD_STRING, hello);
	seen[i++] = bpf_strcmp(hello, BAD_STRING);
	seen[i++] = bpf_strncasecmp(BAD_STRING, hello, 0);
	return i;
}

SEC("syscall")
int finds(void *ctx)
{
	int i = 0;

	seen[i++] = bpf_strchr(hello, 'l');
	seen[i++] = bpf_strchr(hello, 'x');
	seen[i++] = bpf_strchr(hello, 0);
	seen[i++] = bpf_strchr(hello, 0x80);
	seen[i++] = bpf_strchr(endless, 'b');
	seen[i++] = bpf_strnchr(hello, 2, 'l');
	seen[i++] = bpf_strnchr(hello, 3, 'l');
	seen[i++] = bpf_strnchr(hello, 100, 0);
	seen[i++] = bpf_strnchr(endless, 65535, 'b');
	seen[i++] = bpf_strnchr(endless, 65536, 'b');
	seen[i++] = bpf_strchrnul(hello, 'W');
	seen[i++] = bpf_strchrnul(hello, 'x');
	seen[i++] = bpf_strchrnul(endless, 'x');
	seen[i++] = bpf_strrchr(hello, 'l');
	seen[i++] = bpf_strrchr(hello, 'x');
	seen[i++] = bpf_strrchr(hello, 0);
	seen[i++] = bpf_strrchr(hello, 0x80);
	seen[i++] = bpf_strrchr(hello, -128);
	seen[i++] = bpf_strrchr(endless, 'a');
	seen[i++] = bpf_strlen(hello);
	seen[i++] = bpf_strlen(empty);
	seen[i++] = bpf_strlen(endless);
	seen[i++] = bpf_strnlen(hello, 5);
	seen[i++] = bpf_strnlen(hello, 100);
	seen[i++] = bpf_strnlen(endless, 65535);
	seen[i++] = bpf_strnlen(endless, 65536);
	seen[i++] = bpf_strlen(NULL_STRING);
	seen[i++] = bpf_strlen(USER_STRING);
	seen[i++] = bpf_strlen(BAD_STRING);
	seen[i++] = bpf_strnlen(BAD_STRING, 0);
	seen[i++] = bpf_strchr(BAD_STRING, 'a');
	seen[i++] = bpf_strrchr(USER_STRING, 'a');
	return i;
}

SEC("syscall")
int searches(void *ctx)
{
	int i = 0;

	seen[i++] = bpf_strspn(hello, olleh);
	seen[i++] = bpf_strspn(hello, empty);
	seen[i++] = bpf_strspn(empty, hello);
	seen[i++] = bpf_strspn(endless, hell + 4);
	seen[i++] = bpf_strspn(endless, "a");
	seen[i++] = bpf_strspn(hello, endless);
	seen[i++] = bpf_strcspn(hello, world);
	seen[i++] = bpf_strcspn(hello, "xyz");
	seen[i++] = bpf_strcspn(endless, "xyz");
	seen[i++] = bpf_strcspn(hello, endless);
	seen[i++] = bpf_strstr(hello, world);
	seen[i++] = bpf_strstr(hello, olleh);
	seen[i++] = bpf_strstr(hello, empty);
	seen[i++] = bpf_strstr(empty, hello);
	seen[i++] = bpf_strstr(world, worlds);
	seen[i++] = bpf_strstr(endless, "b");
	seen[i++] = bpf_strstr(endless, endless);
	seen[i++] = bpf_strcasestr(hello, "wORL");
	seen[i++] = bpf_strcasestr(hello, "\x80");
	seen[i++] = bpf_strnstr(hello, hell, 4);
	seen[i++] = bpf_strnstr(hello, hell, 3);
	seen[i++] = bpf_strnstr(hello, "ello", 5);
	seen[i++] = bpf_strnstr(hello, "ello", 4);
	seen[i++] = bpf_strnstr(hello, empty, 0);
	seen[i++] = bpf_strnstr(hello, hell, 0);
	seen[i++] = bpf_strnstr(empty, empty, 0);
	seen[i++] = bpf_strnstr(hello, world, 1ull << 40);
	seen[i++] = bpf_strncasestr(hello, "LLO", 5);
	seen[i++] = bpf_strncasestr(hello, "LLO", 4);
	seen[i++] = bpf_strnstr(endless, "b", 65535);
	seen[i++] = bpf_strnstr(endless, "b", 65536);
	seen[i++] = bpf_strnstr(endless, "b", 65537);
	seen[i++] = bpf_strstr(NULL_STRING, world);
	seen[i++] = bpf_strstr(hello, USER_STRING);
	seen[i++] = bpf_strstr(BAD_STRING, world);
	seen[i++] = bpf_strspn(hello, BAD_STRING);
	seen[i++] = bpf_strcspn(BAD_STRING, hello);
	return i;
}
