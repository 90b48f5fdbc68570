// placeholder
#include "Supervise.h"
