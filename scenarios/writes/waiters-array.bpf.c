/* SPDX-License-Identifier: Apache-2.0 */
#include "waiters.h"
#include "../compare/publish-array.bpf.c"
