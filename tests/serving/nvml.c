/* Stands in for the driver's libnvidia-ml.so.1: so many H200s as GPUS says, with the readings of a real one.
 *
 * The values are macros, which the test fixture takes from tests/transcripts/hosts/h200.json. What is not here NVML does
 * not know: its clients say "function not found", as with an old driver. */
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3 };
typedef unsigned int uint;
typedef void *device; /* the index of the GPU, plus one */
typedef struct { unsigned long long total, free, used; } memory;
typedef struct { unsigned char cluster[16]; int status; uint clique; unsigned char state; } fabric;

static uint gpus(void) { const char *said = getenv("TRTLLM_TEST_GPUS"); return said ? (uint)atoi(said) : 4; }
static int text(char *to, uint size, const char *said) { strncpy(to, said, size); return SUCCESS; }
#define NUMBER(name, value) int name(device of, uint *to) { (void)of; *to = (value); return SUCCESS; }

int nvmlInitWithFlags(uint flags) { (void)flags; return SUCCESS; }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) { return code == NOT_SUPPORTED ? "Not Supported" : "Invalid Argument"; }
int nvmlSystemGetDriverVersion(char *to, uint size) { return text(to, size, DRIVER); }
int nvmlSystemGetNVMLVersion(char *to, uint size) { return text(to, size, NVML); }
int nvmlSystemGetCudaDriverVersion_v2(int *to) { *to = CUDA; return SUCCESS; }
int nvmlDeviceGetCount_v2(uint *to) { *to = gpus(); return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(uint index, device *to) {
    if (index >= gpus()) return INVALID_ARGUMENT;
    *to = (device)(size_t)(index + 1);
    return SUCCESS;
}
int nvmlDeviceGetName(device of, char *to, uint size) { (void)of; return text(to, size, NAME); }
NUMBER(nvmlDeviceGetBrand, BRAND)
NUMBER(nvmlDeviceGetNumGpuCores, CORES)
NUMBER(nvmlDeviceGetPersistenceMode, PERSISTENCE)
NUMBER(nvmlDeviceGetComputeMode, COMPUTE_MODE)
NUMBER(nvmlDeviceGetEnforcedPowerLimit, POWER_LIMIT)
int nvmlDeviceGetCudaComputeCapability(device of, int *major, int *minor) {
    (void)of; *major = COMPUTE_MAJOR; *minor = COMPUTE_MINOR; return SUCCESS;
}
int nvmlDeviceGetMemoryInfo(device of, memory *to) {
    (void)of; *to = (memory){MEMORY_TOTAL, MEMORY_FREE, MEMORY_USED}; return SUCCESS;
}
int nvmlDeviceGetMigMode(device of, uint *now, uint *then) { (void)of; *now = *then = MIG; return SUCCESS; }
int nvmlDeviceGetEccMode(device of, uint *now, uint *then) { (void)of; *now = *then = ECC; return SUCCESS; }
int nvmlDeviceGetTotalEccErrors(device of, int kind, int counter, unsigned long long *to) {
    (void)of; (void)kind; (void)counter; *to = ECC_UNCORRECTED; return SUCCESS;
}
int nvmlDeviceGetRemappedRows(device of, uint *corrected, uint *uncorrected, uint *pending, uint *failed) {
    (void)of; *corrected = *uncorrected = *pending = *failed = 0; return SUCCESS;
}
int nvmlDeviceGetRetiredPagesPendingStatus(device of, uint *to) { (void)of; (void)to; return NOT_SUPPORTED; }
int nvmlDeviceGetCurrentClocksEventReasons(device of, unsigned long long *to) { (void)of; *to = SLOWED_BY; return SUCCESS; }
int nvmlDeviceGetTemperature(device of, int sensor, uint *to) { (void)of; (void)sensor; *to = TEMPERATURE; return SUCCESS; }
int nvmlDeviceGetNvLinkState(device of, uint link, uint *to) { (void)of; (void)link; (void)to; return NOT_SUPPORTED; }
int nvmlDeviceGetComputeRunningProcesses_v3(device of, uint *count, void *to) { (void)of; (void)to; *count = 0; return SUCCESS; }
int nvmlDeviceGetGpuFabricInfo(device of, fabric *to) { (void)of; memset(to, 0, sizeof *to); return SUCCESS; }
