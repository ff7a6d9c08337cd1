#pragma once
// The kernel's own interface to loop devices and to the device mapper; there is no library to link.
#include <linux/ioctl.h>
#include <linux/dm-ioctl.h>
#include <linux/loop.h>

// Swift imports no macro that is an expression with sizeof.
static const unsigned long cdm_version = DM_VERSION;
static const unsigned long cdm_create = DM_DEV_CREATE;
static const unsigned long cdm_remove = DM_DEV_REMOVE;
static const unsigned long cdm_suspend = DM_DEV_SUSPEND;
static const unsigned long cdm_load = DM_TABLE_LOAD;
static const unsigned long cdm_status = DM_TABLE_STATUS;
