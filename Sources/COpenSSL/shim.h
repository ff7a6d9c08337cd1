#pragma once
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// Macros that Swift cannot see, as functions of the same meaning.

static inline long muster_bio_bytes(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }

static inline STACK_OF(X509) *muster_certificates_new(void) { return sk_X509_new_null(); }

// Takes the caller's reference when it succeeds.
static inline int muster_certificates_push(STACK_OF(X509) *stack, X509 *certificate) {
    return sk_X509_push(stack, certificate) > 0;
}

static inline void muster_certificates_free(STACK_OF(X509) *stack) { sk_X509_pop_free(stack, X509_free); }

static inline int muster_certificates_count(const STACK_OF(X509) *stack) { return sk_X509_num(stack); }

static inline X509 *muster_certificates_at(const STACK_OF(X509) *stack, int index) {
    return sk_X509_value(stack, index);
}

// For the list that CMS_get0_signers makes of certificates that belong to others.
static inline void muster_certificates_free_list(STACK_OF(X509) *stack) { sk_X509_free(stack); }

static inline int muster_signers_count(CMS_ContentInfo *cms) {
    return sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms));
}

// The NID of the digest that a signer used; NID_undef when it names none that is known.
static inline int muster_signer_digest(CMS_ContentInfo *cms, int index) {
    CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), index);
    X509_ALGOR *digest = NULL;
    CMS_SignerInfo_get0_algs(signer, NULL, NULL, &digest, NULL);
    return digest ? OBJ_obj2nid(digest->algorithm) : NID_undef;
}

static inline int muster_pem_ended(unsigned long code) {
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}
