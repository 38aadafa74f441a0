/* Every kind of BTF that clang writes, and the shapes of structs that are hard to print as C. */
#define tag(x) __attribute__((btf_decl_tag(x)))
#define user __attribute__((btf_type_tag("user")))

struct unknown;
union unknown_union;

enum plain { PLAIN_A, PLAIN_B = 7 };
enum negative { NEG_LOW = -2, NEG_HIGH = 2147483647 };
enum wide { WIDE_LOW = 1, WIDE_HIGH = 0xffffffff00000001ULL };
enum wide_negative { WIDER_LOW = -0x7fffffffffffffffLL - 1, WIDER_HIGH = 1 };
enum byte { BYTE_A = 200 } __attribute__((mode(byte)));

typedef unsigned int u32;
typedef int (*handler)(struct unknown *, const char *restrict name, ...);
typedef struct {
	int first;
	u32 second;
} unnamed_typedef;

struct bits {
	unsigned int a : 1;
	unsigned int b : 7;
	int c : 13;
	unsigned int : 0;
	unsigned int d : 3;
	unsigned long long e : 40;
	unsigned short f : 9;
	_Bool g : 1;
	enum negative h : 31;
	unsigned char tail;
};

struct packed {
	char a;
	int b;
	long c;
	unsigned int d : 3;
	unsigned long long e : 62;
	char f;
} __attribute__((packed));

struct spread {
	char a;
	long b __attribute__((aligned(32)));
	char c;
} __attribute__((aligned(64)));

union overaligned {
	char a;
	short b;
} __attribute__((aligned(16)));

struct nested {
	struct {
		int x;
		union {
			long y;
			struct {
				char z[3];
			} named;
		};
	};
	struct {
		struct nested *next, **link;
	} list[2];
	enum { INSIDE_A, INSIDE_B } inside;
	handler handlers[4];
	int (*(*table[2])[3])(unnamed_typedef *, enum wide);
	const volatile int *const volatile constant;
	int matrix[2][3][4];
	char user *pointer;
	union unknown_union *opaque;
	double real;
	float small;
	__int128 huge;
	struct spread spread;
	struct packed packed;
	union overaligned over;
	enum byte byte;
	enum wide_negative wider;
	char flexible[];
};

struct tagged {
	int member tag("of a member");
} tag("of a struct");

static volatile int counter;
const int limit = 3;
struct nested *root;
struct tagged tagged;
struct bits bits;
enum plain plain;
extern int option __attribute__((section(".kconfig"), weak));
extern const void symbol __attribute__((section(".ksyms"), weak));
extern int kfunc(struct unknown *) __attribute__((section(".ksyms"), weak));

static __attribute__((noinline)) int sub(struct bits *of, int by tag("of a parameter"))
{
	counter += by;
	return of->d + counter;
}

__attribute__((section("raw_tp/one"))) int one(void *ctx)
{
	if (&symbol && kfunc)
		kfunc(ctx);
	return sub(&bits, limit) + option + (int)(long)root + tagged.member + plain;
}

char LICENSE[] __attribute__((section("license"))) = "GPL";
