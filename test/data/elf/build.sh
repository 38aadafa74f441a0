#!/bin/sh
# Builds the objects of this folder: needs clang-14, clang-22, libbpf-dev, linux-libc-dev.
set -e
cd "$(dirname "$0")"
for clang in clang-14 clang-22; do
	for source in *.c; do
		$clang -target bpf -mcpu=v3 -O2 -g -Wall -Wno-visibility -fdebug-prefix-map="$PWD"=. \
			-I/usr/include/x86_64-linux-gnu -c "$source" -o "${source%.c}.$clang.o"
	done
done
for object in *.o; do
	llvm-readelf-14 -W -S -s -r "$object" >"${object%.o}.readelf"
done
