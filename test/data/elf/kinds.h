struct unknown;

enum negative {
	NEG_LOW = -2,
	NEG_HIGH = 2147483647,
};

struct bits {
	unsigned int a: 1;
	unsigned int b: 7;
	int c: 13;
	long: 11;
	unsigned int d: 3;
	unsigned long long e: 40;
	unsigned short f: 9;
	_Bool g: 1;
	enum negative h: 31;
	unsigned char tail;
};

struct nested;

typedef int (*handler)(struct unknown *, const char * restrict, ...);

typedef unsigned int u32;

typedef struct {
	int first;
	u32 second;
} unnamed_typedef;

enum wide {
	WIDE_LOW = 1,
	WIDE_HIGH = 18446744069414584321ULL,
} __attribute__((mode(DI)));

union unknown_union;

struct spread {
	char a;
	long: 56;
	long: 64;
	long: 64;
	long: 64;
	long b;
	char c;
	long: 56;
	long: 64;
	long: 64;
};

struct packed {
	char a;
	int b;
	long c;
	unsigned int d: 3;
	unsigned long long e: 62;
	char f;
} __attribute__((packed));

union overaligned {
	char a;
	short b;
	unsigned char __padding_73[16];
};

enum byte {
	BYTE_A = 200,
} __attribute__((mode(byte)));

enum wide_negative {
	WIDER_LOW = (-9223372036854775807LL - 1),
	WIDER_HIGH = 1,
} __attribute__((mode(DI)));

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
		struct nested *next;
		struct nested **link;
	} list[2];
	enum {
		INSIDE_A = 0,
		INSIDE_B = 1,
	} inside;
	handler handlers[4];
	int (*(*table[2])[3])(unnamed_typedef *, enum wide);
	const volatile int * const volatile constant;
	int matrix[2][3][4];
	char __attribute__((btf_type_tag("user"))) *pointer;
	union unknown_union *opaque;
	double real;
	float small;
	__int128 huge;
	struct spread spread;
	struct packed packed;
	long: 8;
	long: 64;
	union overaligned over;
	enum byte byte;
	enum wide_negative wider;
	char flexible[0];
};

struct tagged {
	int member;
};

enum plain {
	PLAIN_A = 0,
	PLAIN_B = 7,
};

