// A driver for a GPU that isn't there: the functions of CUDA that this package uses, with the host's memory, and with
// the kernels compiled for the host. It refuses what a real driver refuses, and what it would only crash on. Streams do
// nothing before they are waited for, so that what relies on more is found.
//
// KERNELS is a list of X(kernel, word, lanes): those that are linked with it.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <time.h>

enum {
	OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, INVALID_DEVICE = 101, INVALID_IMAGE = 200,
	INVALID_CONTEXT = 201, INVALID_PTX = 218, INVALID_HANDLE = 400, NOT_FOUND = 500, ILLEGAL_ADDRESS = 700,
	LAUNCH_TIMEOUT = 702, CONTEXT_ACTIVE = 708,
};

_Thread_local uint32_t current_item;

#define X(kernel, word, lanes) extern char kernel##_##word##_##lanes[];
KERNELS
#undef X

struct known { const char *name; void *code; int pointers; };
static const struct known kernels[] = {
#define X(kernel, word, lanes) {#kernel "-" #word "-" #lanes, kernel##_##word##_##lanes, sizeof(#kernel) == sizeof("enter") ? 2 : 3},
	KERNELS
#undef X
};
enum { NUMBERS = 6 }; // that each kernel takes behind its pointers

// Everything below is guarded by this lock but what only its own thread or stream has.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

enum { DEVICES = 2, MOST = 256, FUNCTIONS = 64 };
static struct { const char *function; int status, calls; } calls[FUNCTIONS];
static int started, by_bus, retained[DEVICES], flags[DEVICES], sticky, launches, meeting, met;

// object is a module, a stream or a buffer; its handle is its address.
struct object { int kind, live, device; };
enum { MODULE = 1, STREAM, BUFFER };
static struct object *objects[MOST * 64];
static int made;

struct module { struct object object; const struct known *kernel; };
struct command { int kind; const struct known *kernel; void *to, *from, *pointers[3]; size_t bytes; uint32_t numbers[NUMBERS], items; };
struct stream { struct object object; int waiting; struct command commands[MOST]; };
struct buffer { struct object object; size_t bytes; uint32_t *words; };
enum { LAUNCH = 1, COPY };
enum { GUARD = 16 }; // words behind each buffer that nobody may write to
static const uint32_t guard = 0xdeadbeef;

static _Thread_local int current; // device + 1 whose context the thread has

// called counts a call of a function and returns what the test wants it to fail with.
static int called(const char *function) {
	pthread_mutex_lock(&lock);
	int i = 0;
	while (calls[i].function && strcmp(calls[i].function, function)) {
		i++;
	}
	calls[i].function = function;
	calls[i].calls++;
	int status = calls[i].status;
	pthread_mutex_unlock(&lock);
	return status;
}

#define CALLED { int planned = called(__func__); if (planned) return planned; }
#define STARTED CALLED if (!started) return NOT_INITIALIZED;
#define IN_CONTEXT STARTED if (!current || !retained[current - 1]) return INVALID_CONTEXT; if (sticky) return sticky;
#define DEVICE(d) if (d < 0 || d >= DEVICES) return INVALID_DEVICE;

static void *make(int kind, size_t size) {
	struct object *o = calloc(1, size);
	o->kind = kind, o->live = 1, o->device = current;
	pthread_mutex_lock(&lock);
	objects[made++] = o;
	pthread_mutex_unlock(&lock);
	return o;
}

// find is a live object of the thread's context, or null.
static void *find(int kind, void *handle) {
	void *found = NULL;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < made && !found; i++) {
		if (objects[i] == handle && objects[i]->kind == kind && objects[i]->live && objects[i]->device == current) {
			found = handle;
		}
	}
	pthread_mutex_unlock(&lock);
	return found;
}

static struct buffer *find_buffer(uint64_t address) {
	struct buffer *found = NULL;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < made && !found; i++) {
		struct buffer *b = (struct buffer *)objects[i];
		if (objects[i]->kind == BUFFER && objects[i]->live && objects[i]->device == current && (uint64_t)(uintptr_t)b->words == address) {
			found = b;
		}
	}
	pthread_mutex_unlock(&lock);
	return found;
}

// What tests ask for and look at.

void fakePlan(const char *function, int status) {
	called(function);
	pthread_mutex_lock(&lock);
	for (int i = 0; i < FUNCTIONS; i++) {
		if (calls[i].function && !strcmp(calls[i].function, function)) {
			calls[i].function = strdup(function);
			calls[i].status = status;
			calls[i].calls--;
		}
	}
	pthread_mutex_unlock(&lock);
}

// fakeLive is how many objects and contexts were made and not given back.
int fakeLive(void) {
	int live = 0;
	for (int i = 0; i < made; i++) {
		live += objects[i]->live;
	}
	for (int i = 0; i < DEVICES; i++) {
		live += retained[i];
	}
	return live;
}

// fakeMeet has the next kernels wait for each other until there are so many.
void fakeMeet(int kernels) { met = 0, meeting = kernels; }

int fakeFlags(int device) { return flags[device]; }
int fakeByBus(void) { return by_bus; } // whether devices are numbered as nvidia-smi does
int fakeLaunches(void) { return launches; }

// fakeSpoiled is whether a kernel wrote behind a buffer.
int fakeSpoiled(void) {
	int spoiled = 0;
	for (int i = 0; i < made; i++) {
		struct buffer *b = (struct buffer *)objects[i];
		for (int j = 0; objects[i]->kind == BUFFER && j < GUARD; j++) {
			spoiled |= b->words[b->bytes / 4 + j] != guard;
		}
	}
	return spoiled;
}

// The driver itself.

int cuInit(unsigned flags) {
	CALLED
	const char *order = getenv("CUDA_DEVICE_ORDER");
	by_bus = order && !strcmp(order, "PCI_BUS_ID");
	started = 1;
	return flags ? INVALID_VALUE : OK;
}

int cuDriverGetVersion(int *version) {
	CALLED
	*version = 12040;
	return OK;
}

int cuGetErrorName(int status, const char **text) {
	CALLED
	static _Thread_local char name[32];
	snprintf(name, sizeof name, "CUDA_ERROR_FAKE_%d", status);
	*text = name;
	return OK;
}

int cuGetErrorString(int status, const char **text) {
	CALLED
	*text = "as planned";
	return status ? OK : INVALID_VALUE;
}

int cuDeviceGetCount(int *count) {
	STARTED
	*count = DEVICES;
	return OK;
}

int cuDeviceGet(int *device, int ordinal) {
	STARTED
	DEVICE(ordinal)
	*device = ordinal;
	return OK;
}

int cuDeviceGetName(char *text, int size, int device) {
	STARTED
	DEVICE(device)
	snprintf(text, size, "NVIDIA Fake %d", device);
	return OK;
}

// The second device is too old.
int cuDeviceGetAttribute(int *value, int attribute, int device) {
	STARTED
	DEVICE(device)
	switch (attribute) {
	case 16: *value = 1; return OK;
	case 20: *value = 0; return OK;
	case 75: *value = device ? 6 : 9; return OK;
	case 76: *value = device ? 1 : 0; return OK;
	}
	return INVALID_VALUE;
}

int cuDeviceTotalMem_v2(size_t *bytes, int device) {
	STARTED
	DEVICE(device)
	*bytes = 85ull << 30;
	return OK;
}

int cuDeviceGetPCIBusId(char *text, int size, int device) {
	STARTED
	DEVICE(device)
	snprintf(text, size, "0000:%02X:00.0", 0x1a + device);
	return OK;
}

int cuDevicePrimaryCtxRetain(void **context, int device) {
	STARTED
	DEVICE(device)
	retained[device]++;
	*context = (void *)(uintptr_t)(device + 1);
	return OK;
}

int cuDevicePrimaryCtxRelease_v2(int device) {
	STARTED
	DEVICE(device)
	if (!retained[device]) {
		return INVALID_CONTEXT;
	}
	retained[device]--;
	return OK;
}

#ifndef OLD
int cuDevicePrimaryCtxSetFlags_v2(int device, unsigned wanted) {
	STARTED
	DEVICE(device)
	if (retained[device]) {
		return CONTEXT_ACTIVE;
	}
	flags[device] = wanted;
	return OK;
}
#endif

int cuCtxSetCurrent(void *context) {
	STARTED
	int device = (int)(uintptr_t)context - 1;
	DEVICE(device)
	if (!retained[device]) {
		return INVALID_CONTEXT;
	}
	current = device + 1;
	return OK;
}

// The image's first line names the variant: "// scan_word-12-1: ...".
int cuModuleLoadDataEx(void **handle, const char *image, unsigned count, const int *options, void **values) {
	int planned = called(__func__);
	char *logs[8] = {0};
	for (unsigned i = 0; i < count; i++) {
		logs[options[i]] = values[i];
	}
	if (planned) {
		snprintf(logs[5], (size_t)logs[6], "ptxas: line 7: what is that?");
		snprintf(logs[3], (size_t)logs[4], "compiled for sm_fake");
		return planned;
	}
	IN_CONTEXT
	if (memcmp(image, "// ", 3)) {
		return INVALID_PTX;
	}
	size_t size = strcspn(image + 3, ":");
	for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
		if (strlen(kernels[i].name) == size && !memcmp(kernels[i].name, image + 3, size)) {
			struct module *m = make(MODULE, sizeof *m);
			m->kernel = &kernels[i];
			*handle = m;
			return OK;
		}
	}
	return INVALID_IMAGE;
}

int cuModuleUnload(void *handle) {
	IN_CONTEXT
	struct module *m = find(MODULE, handle);
	if (!m) {
		return INVALID_HANDLE;
	}
	m->object.live = 0;
	return OK;
}

int cuModuleGetFunction(void **function, void *handle, const char *name) {
	IN_CONTEXT
	struct module *m = find(MODULE, handle);
	if (!m) {
		return INVALID_HANDLE;
	}
	if (strlen(name) != strcspn(m->kernel->name, "-") || memcmp(name, m->kernel->name, strlen(name))) {
		return NOT_FOUND;
	}
	*function = m;
	return OK;
}

int cuStreamCreate(void **handle, unsigned wanted) {
	IN_CONTEXT
	if (wanted != 1) { // the default stream would make lanes wait for each other
		return INVALID_VALUE;
	}
	*handle = make(STREAM, sizeof(struct stream));
	return OK;
}

// meet waits until as many kernels are at this place as the test wants to run at a time.
static int meet(void) {
	static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
	struct timespec end;
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 30;
	pthread_mutex_lock(&lock);
	met++;
	pthread_cond_broadcast(&more);
	int failed = 0;
	while (met < meeting && !failed) {
		failed = pthread_cond_timedwait(&more, &lock, &end);
	}
	pthread_mutex_unlock(&lock);
	return failed ? LAUNCH_TIMEOUT : OK;
}

// run_kernel runs the items of a launch; nothing may be freed that it was given.
static int run_kernel(const struct command *c) {
	typedef void two(void *, void *, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
	typedef void three(void *, void *, void *, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
	const uint32_t *n = c->numbers;
	int planned = called("kernel");
	if (planned) {
		return planned;
	}
	planned = meet();
	if (planned) {
		return planned;
	}
	for (int i = 0; i < c->kernel->pointers; i++) {
		if (!find_buffer((uint64_t)(uintptr_t)c->pointers[i])) {
			return ILLEGAL_ADDRESS;
		}
	}
	for (current_item = 0; current_item < c->items; current_item++) {
		if (c->kernel->pointers == 2) {
			((two *)c->kernel->code)(c->pointers[0], c->pointers[1], n[0], n[1], n[2], n[3], n[4], n[5]);
		} else {
			((three *)c->kernel->code)(c->pointers[0], c->pointers[1], c->pointers[2], n[0], n[1], n[2], n[3], n[4], n[5]);
		}
	}
	return OK;
}

int cuStreamSynchronize(void *handle) {
	IN_CONTEXT
	struct stream *s = find(STREAM, handle);
	if (!s) {
		return INVALID_HANDLE;
	}
	for (int i = 0; i < s->waiting; i++) {
		struct command *c = &s->commands[i];
		if (c->kind == COPY) {
			memcpy(c->to, c->from, c->bytes);
			continue;
		}
		int status = run_kernel(c);
		if (status) { // the context is of no use any more
			s->waiting = 0;
			return sticky = status;
		}
	}
	s->waiting = 0;
	return OK;
}

int cuStreamDestroy_v2(void *handle) {
	IN_CONTEXT
	struct stream *s = find(STREAM, handle);
	if (!s) {
		return INVALID_HANDLE;
	}
	s->object.live = 0;
	return OK;
}

int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
	IN_CONTEXT
	if (!bytes) {
		return INVALID_VALUE;
	}
	struct buffer *b = make(BUFFER, sizeof *b);
	b->bytes = bytes;
	uint32_t *words = malloc(bytes + 4 * GUARD);
	for (size_t i = 0; i < bytes / 4 + GUARD; i++) {
		words[i] = guard;
	}
	b->words = words;
	*address = (uint64_t)(uintptr_t)words;
	return OK;
}

// Memory stays with its buffer, so that no two have the same address.
int cuMemFree_v2(uint64_t address) {
	IN_CONTEXT
	struct buffer *b = find_buffer(address);
	if (!b) {
		return INVALID_VALUE;
	}
	b->object.live = 0;
	return OK;
}

static struct command *enqueue(void *handle, int kind) {
	struct stream *s = find(STREAM, handle);
	if (!s || s->waiting == MOST) {
		return NULL;
	}
	struct command *c = &s->commands[s->waiting++];
	c->kind = kind;
	return c;
}

static int copy(void *handle, uint64_t address, void *to, const void *from, size_t bytes) {
	struct buffer *b = find_buffer(address);
	if (!b || bytes > b->bytes) {
		return INVALID_VALUE;
	}
	struct command *c = enqueue(handle, COPY);
	if (!c) {
		return INVALID_HANDLE;
	}
	c->to = to, c->from = (void *)from, c->bytes = bytes;
	return OK;
}

int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *handle) {
	IN_CONTEXT
	return copy(handle, to, (void *)(uintptr_t)to, from, bytes);
}

int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *handle) {
	IN_CONTEXT
	return copy(handle, from, to, (void *)(uintptr_t)from, bytes);
}

int cuLaunchKernel(void *function, unsigned x, unsigned y, unsigned z, unsigned itemsX, unsigned itemsY, unsigned itemsZ,
                   unsigned shared, void *handle, void **parameters, void **extra) {
	IN_CONTEXT
	struct module *m = find(MODULE, function);
	if (!m) {
		return INVALID_HANDLE;
	}
	// Sums are multiplied by the grid's height.
	if (!x || x > INT32_MAX || y != 1 || z != 1 || !itemsX || itemsX > 1024 || itemsY != 1 || itemsZ != 1 || shared || extra) {
		return INVALID_VALUE;
	}
	struct command *c = enqueue(handle, LAUNCH);
	if (!c) {
		return INVALID_HANDLE;
	}
	c->kernel = m->kernel;
	c->items = x * itemsX;
	for (int i = 0; i < m->kernel->pointers; i++) {
		memcpy(&c->pointers[i], parameters[i], sizeof(void *));
	}
	for (int i = 0; i < NUMBERS; i++) {
		memcpy(&c->numbers[i], parameters[m->kernel->pointers + i], sizeof(uint32_t));
	}
	pthread_mutex_lock(&lock);
	launches++;
	pthread_mutex_unlock(&lock);
	return OK;
}
