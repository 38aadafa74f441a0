/* SPDX-License-Identifier: Apache-2.0 */
#include "waiters.h"
#include "../compare/publish-regwrite.bpf.c"
