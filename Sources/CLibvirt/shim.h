#pragma once
// libvirt is opened when a program asks for it, and not linked: the minimal image has neither it nor what it pulls in.
#include <dlfcn.h>
#include <stddef.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

// Of libxml2, which libvirt is linked with and whose documents it gives; every pointer is opaque here (libxml/parser.h,
// libxml/xpath.h). Texts are xmlChar, which is UTF-8.
void *xmlReadMemory(const char *buffer, int size, const char *url, const char *encoding, int options);
void xmlFreeDoc(void *document);
void *xmlXPathNewContext(void *document);
void xmlXPathFreeContext(void *context);
void *xmlXPathEvalExpression(const char *expression, void *context);
char *xmlXPathCastToString(void *object);
void xmlXPathFreeObject(void *object);

// XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NONET; entities are not expanded unless asked for.
static const int clibvirt_xml_options = 1 << 5 | 1 << 6 | 1 << 11;

#define CLIBVIRT_FUNCTIONS(each)                                                                                        \
    each(virConnectOpen) each(virConnectOpenReadOnly) each(virConnectClose)                                             \
    each(virConnectSetKeepAlive) each(virEventRegisterDefaultImpl) each(virEventRunDefaultImpl)                         \
    each(virConnectGetLibVersion) each(virConnectGetVersion) each(virConnectGetCapabilities)                            \
    each(virConnectGetAllDomainStats) each(virDomainStatsRecordListFree)                                                \
    each(virDomainGetName) each(virDomainGetUUIDString) each(virDomainGetXMLDesc) each(virDomainLookupByUUIDString)     \
    each(virDomainFree) each(virConnectListAllNodeDevices) each(virNodeDeviceGetXMLDesc) each(virNodeDeviceFree)        \
    each(virNodeDeviceGetName) each(virNodeDeviceLookupByName)                                                          \
    each(virGetLastErrorMessage) each(virSetErrorFunc) each(xmlReadMemory) each(xmlFreeDoc)         \
    each(xmlXPathNewContext) each(xmlXPathFreeContext) each(xmlXPathEvalExpression) each(xmlXPathCastToString)          \
    each(xmlXPathFreeObject)

#define CLIBVIRT_MEMBER(name) __typeof__(&name) name;
// The functions that are used; all are there once `clibvirt_load` gave NULL.
typedef struct {
    CLIBVIRT_FUNCTIONS(CLIBVIRT_MEMBER)
} clibvirt_functions;

// Opens the library, which stays open, and finds the functions in it and in what it is linked with. NULL, or what is missing.
static inline const char *clibvirt_load(const char *file, clibvirt_functions *functions) {
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) return dlerror();
#define CLIBVIRT_FIND(name)                                                                                             \
    functions->name = (__typeof__(functions->name))dlsym(library, #name);                                               \
    if (!functions->name) return #name;
    CLIBVIRT_FUNCTIONS(CLIBVIRT_FIND)
    return NULL;
}

// Parts of a union that Swift sees as a tuple of bytes.
static inline unsigned long long clibvirt_number(const virTypedParameter *parameter) {
    switch (parameter->type) {
    case VIR_TYPED_PARAM_INT: return parameter->value.i < 0 ? 0 : (unsigned long long)parameter->value.i;
    case VIR_TYPED_PARAM_UINT: return parameter->value.ui;
    case VIR_TYPED_PARAM_LLONG: return parameter->value.l < 0 ? 0 : (unsigned long long)parameter->value.l;
    case VIR_TYPED_PARAM_ULLONG: return parameter->value.ul;
    default: return 0;
    }
}
