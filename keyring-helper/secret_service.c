/* SPDX-License-Identifier: MIT */
/*
 * libsecret does the session: key exchange, encryption, memory that is not
 * swapped. The few other calls are made directly: libsecret's own would load
 * every collection and item, unlock, and call prompts.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

/* For encoding and decoding a secret apart from libsecret's own calls. */
#define SECRET_API_SUBJECT_TO_CHANGE 1

#include "secret_service.h"

#include <gio/gio.h>
#include <libsecret/secret.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE_NAME "org.freedesktop.secrets"
#define SERVICE_PATH "/org/freedesktop/secrets"
#define SERVICE_INTERFACE "org.freedesktop.Secret.Service"
#define COLLECTION_INTERFACE "org.freedesktop.Secret.Collection"
#define ITEM_INTERFACE "org.freedesktop.Secret.Item"
#define ERROR_LOCKED "org.freedesktop.Secret.Error.IsLocked"
#define NO_OBJECT "/"

/* Names the kind of item, as libsecret's schemas do; never changed. */
#define SCHEMA "io.github.mps_credential.Page"

struct mpsk_service {
    GDBusConnection *bus;
    char *owner;            /* the unique name of the running service */
    char *collection;       /* object path of the default collection */
    char *item;             /* of the page that was read last; or NULL */
    SecretService *session; /* with `owner`; made when first needed */
};

/* What an error means. It is freed. */
static enum mpsc_keyring_state
take_error(GError *error)
{
    enum mpsc_keyring_state state = MPSC_KEYRING_REFUSED;
    char *name = g_dbus_error_get_remote_error(error);

    if (g_strcmp0(name, ERROR_LOCKED) == 0 ||
        g_error_matches(error, SECRET_ERROR, SECRET_ERROR_IS_LOCKED)) {
        state = MPSC_KEYRING_LOCKED;
    } else if (g_error_matches(error, G_DBUS_ERROR,
                               G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
               g_error_matches(error, G_DBUS_ERROR,
                               G_DBUS_ERROR_SERVICE_UNKNOWN) ||
               g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY)) {
        /* The last: it left between call and answer. */
        state = MPSC_KEYRING_ABSENT;
    } else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)) {
        state = MPSC_KEYRING_SILENT;
    } else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CLOSED)) {
        state = MPSC_KEYRING_NO_BUS;
    }
    g_free(name);
    g_error_free(error);
    return state;
}

/*
 * One call, to `name`; `type` is its answer's. *answer is set with OK.
 */
static enum mpsc_keyring_state
call_name(struct mpsk_service *service, const char *name, const char *path,
          const char *interface, const char *method, GVariant *arguments,
          const char *type, GVariant **answer)
{
    GError *error = NULL;

    *answer = g_dbus_connection_call_sync(
        service->bus, name, path, interface, method, arguments,
        G_VARIANT_TYPE(type), G_DBUS_CALL_FLAGS_NO_AUTO_START, G_MAXINT, NULL,
        &error);
    return *answer == NULL ? take_error(error) : MPSC_KEYRING_OK;
}

/* One call to the running service. */
static enum mpsc_keyring_state
call(struct mpsk_service *service, const char *path, const char *interface,
     const char *method, GVariant *arguments, const char *type,
     GVariant **answer)
{
    return call_name(service, service->owner, path, interface, method,
                     arguments, type, answer);
}

/*
 * Finds the running service. By its unique name nothing is ever started,
 * not even where it ends between two calls.
 */
static enum mpsc_keyring_state
find_owner(struct mpsk_service *service)
{
    char *owner = NULL;
    GVariant *answer;
    enum mpsc_keyring_state state =
        call_name(service, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                  "org.freedesktop.DBus", "GetNameOwner",
                  g_variant_new("(s)", SERVICE_NAME), "(s)", &answer);

    if (state != MPSC_KEYRING_OK) {
        return state;
    }
    g_variant_get(answer, "(s)", &owner);
    g_variant_unref(answer);
    if (g_strcmp0(owner, service->owner) != 0) {
        g_clear_object(&service->session);
    }
    g_free(service->owner);
    service->owner = owner;
    return MPSC_KEYRING_OK;
}

static enum mpsc_keyring_state
read_default_alias(struct mpsk_service *service)
{
    GVariant *answer;
    enum mpsc_keyring_state state =
        call(service, SERVICE_PATH, SERVICE_INTERFACE, "ReadAlias",
             g_variant_new("(s)", "default"), "(o)", &answer);

    if (state != MPSC_KEYRING_OK) {
        return state;
    }
    g_clear_pointer(&service->collection, g_free);
    g_variant_get(answer, "(o)", &service->collection);
    g_variant_unref(answer);
    return strcmp(service->collection, NO_OBJECT) == 0
               ? MPSC_KEYRING_NO_COLLECTION
               : MPSC_KEYRING_OK;
}

/*
 * gnome-keyring 42 may answer the first call of a connection before it has
 * taken note of that connection, and then knows of no collection (it adds the
 * client from another thread; its log has "assertion 'client' failed"). The
 * second call finds the client there.
 */
static enum mpsc_keyring_state
find_collection(struct mpsk_service *service)
{
    enum mpsc_keyring_state state = read_default_alias(service);

    return state == MPSC_KEYRING_NO_COLLECTION ? read_default_alias(service)
                                               : state;
}

static enum mpsc_keyring_state
check_unlocked(struct mpsk_service *service)
{
    GVariant *answer;
    GVariant *value;
    gboolean locked = TRUE;
    enum mpsc_keyring_state state = call(
        service, service->collection, "org.freedesktop.DBus.Properties", "Get",
        g_variant_new("(ss)", COLLECTION_INTERFACE, "Locked"), "(v)", &answer);

    if (state != MPSC_KEYRING_OK) {
        return state;
    }
    g_variant_get(answer, "(v)", &value);
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_BOOLEAN)) {
        locked = g_variant_get_boolean(value);
    }
    g_variant_unref(value);
    g_variant_unref(answer);
    return locked ? MPSC_KEYRING_LOCKED : MPSC_KEYRING_OK;
}

static enum mpsc_keyring_state
check(struct mpsk_service *service)
{
    enum mpsc_keyring_state state = find_owner(service);

    if (state == MPSC_KEYRING_OK) {
        state = find_collection(service);
    }
    return state == MPSC_KEYRING_OK ? check_unlocked(service) : state;
}

/*
 * What identifies a page's item, or those of all pages. Nothing secret or
 * personal: attributes are stored in the clear, and other programs of the user
 * can read them. No format number either, see page.h.
 */
static GVariant *
attributes(const struct mpsk_item *item, int all_pages)
{
    GVariantBuilder builder;
    char page[16];

    g_variant_builder_init(&builder, G_VARIANT_TYPE("a{ss}"));
    g_variant_builder_add(&builder, "{ss}", "xdg:schema", SCHEMA);
    g_variant_builder_add(&builder, "{ss}", "application", "mps-credential");
    g_variant_builder_add(&builder, "{ss}", "endpoint", item->endpoint);
    g_variant_builder_add(&builder, "{ss}", "solution", item->solution_id);
    if (!all_pages) {
        g_snprintf(page, sizeof(page), "%u", item->page);
        g_variant_builder_add(&builder, "{ss}", "page", page);
    }
    return g_variant_builder_end(&builder);
}

/* Object paths of the items with these attributes; free with g_strfreev. */
static enum mpsc_keyring_state
search(struct mpsk_service *service, GVariant *wanted, char ***paths)
{
    GVariant *answer;
    enum mpsc_keyring_state state =
        call(service, service->collection, COLLECTION_INTERFACE, "SearchItems",
             g_variant_new("(@a{ss})", wanted), "(ao)", &answer);

    if (state != MPSC_KEYRING_OK) {
        return state;
    }
    g_variant_get(answer, "(^ao)", paths);
    g_variant_unref(answer);
    return MPSC_KEYRING_OK;
}

static enum mpsc_keyring_state
find_item(struct mpsk_service *service, const struct mpsk_item *item)
{
    char **paths;
    enum mpsc_keyring_state state;

    g_clear_pointer(&service->item, g_free);
    state = search(service, attributes(item, 0), &paths);
    if (state == MPSC_KEYRING_OK) {
        service->item = g_strdup(paths[0]);
        g_strfreev(paths);
    }
    return state;
}

/* Agrees on a key with the service, once. */
static enum mpsc_keyring_state
ensure_session(struct mpsk_service *service)
{
    GError *error = NULL;

    if (service->session != NULL) {
        return MPSC_KEYRING_OK;
    }
    /* libsecret offers no other way to name the service; by its well-known
     * name it could be started here. */
    if (!g_setenv("SECRET_SERVICE_BUS_NAME", service->owner, TRUE)) {
        return MPSC_KEYRING_NO_MEMORY;
    }
    service->session = secret_service_open_sync(
        SECRET_TYPE_SERVICE, NULL, SECRET_SERVICE_OPEN_SESSION, NULL, &error);
    return service->session == NULL ? take_error(error) : MPSC_KEYRING_OK;
}

/* Decrypts (oayays) and appends what it holds. */
static enum mpsc_keyring_state
decode(struct mpsk_service *service, GVariant *secret,
       struct mpsc_secret *bytes)
{
    SecretValue *value =
        secret_service_decode_dbus_secret(service->session, secret);
    enum mpsc_keyring_state state = MPSC_KEYRING_OK;
    const char *text;
    gsize len;

    if (value == NULL) {
        return MPSC_KEYRING_REFUSED;
    }
    text = secret_value_get(value, &len);
    if (mpsc_secret_append(bytes, text, len) != 0) {
        state = MPSC_KEYRING_NO_MEMORY;
    }
    secret_value_unref(value); /* wiped: it lies in libsecret's own memory */
    return state;
}

static enum mpsc_keyring_state
get_secret(struct mpsk_service *service, const char *path,
           struct mpsc_secret *bytes)
{
    GVariant *answer;
    GVariant *secret;
    enum mpsc_keyring_state state = call(
        service, path, ITEM_INTERFACE, "GetSecret",
        g_variant_new("(o)",
                      secret_service_get_session_dbus_path(service->session)),
        "((oayays))", &answer);

    if (state != MPSC_KEYRING_OK) {
        return state;
    }
    secret = g_variant_get_child_value(answer, 0);
    state = decode(service, secret, bytes);
    g_variant_unref(secret);
    g_variant_unref(answer);
    return state;
}

/*
 * The secrets of several items by one call: all[i] belongs to paths[i], and
 * stays empty where the item has just gone.
 */
static enum mpsc_keyring_state
get_secrets(struct mpsk_service *service, char **paths,
            struct mpsc_secret *all)
{
    GVariant *answer;
    GVariant *dict;
    enum mpsc_keyring_state state = call(
        service, SERVICE_PATH, SERVICE_INTERFACE, "GetSecrets",
        g_variant_new("(^aoo)", paths,
                      secret_service_get_session_dbus_path(service->session)),
        "(a{o(oayays)})", &answer);

    if (state != MPSC_KEYRING_OK) {
        return state;
    }
    dict = g_variant_get_child_value(answer, 0);
    for (size_t i = 0; state == MPSC_KEYRING_OK && paths[i] != NULL; i++) {
        GVariant *secret =
            g_variant_lookup_value(dict, paths[i], G_VARIANT_TYPE("(oayays)"));

        if (secret != NULL) {
            state = decode(service, secret, &all[i]);
            g_variant_unref(secret);
        }
    }
    g_variant_unref(dict);
    g_variant_unref(answer);
    return state;
}

/*
 * By one call or, where the service refuses that (what is too large for one
 * message may do in pieces), one by one; then an item that is refused alone
 * stays empty.
 */
static enum mpsc_keyring_state
get_all(struct mpsk_service *service, char **paths, struct mpsc_secret *all)
{
    enum mpsc_keyring_state state = get_secrets(service, paths, all);

    if (state != MPSC_KEYRING_REFUSED) {
        return state;
    }
    state = MPSC_KEYRING_OK;
    for (size_t i = 0; state == MPSC_KEYRING_OK && paths[i] != NULL; i++) {
        mpsc_secret_free(&all[i]);
        state = get_secret(service, paths[i], &all[i]);
        if (state == MPSC_KEYRING_REFUSED) {
            state = MPSC_KEYRING_OK;
        }
    }
    return state;
}

enum mpsc_keyring_state
mpsk_service_open(const char *bus, struct mpsk_service **service)
{
    struct mpsk_service *fresh;

    *service = NULL;
    /* libsecret uses the session's bus. This is our own environment, which
     * was empty, and there is no other thread yet. */
    if (!g_setenv("DBUS_SESSION_BUS_ADDRESS", bus, TRUE)) {
        return MPSC_KEYRING_NO_MEMORY;
    }
    fresh = calloc(1, sizeof(*fresh));
    if (fresh == NULL) {
        return MPSC_KEYRING_NO_MEMORY;
    }
    fresh->bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, NULL);
    if (fresh->bus == NULL) {
        free(fresh);
        return MPSC_KEYRING_NO_BUS;
    }
    g_dbus_connection_set_exit_on_close(fresh->bus, FALSE);
    *service = fresh;
    return MPSC_KEYRING_OK;
}

enum mpsc_keyring_state
mpsk_service_read(struct mpsk_service *service, const struct mpsk_item *item,
                  struct mpsc_secret *bytes, int *found)
{
    enum mpsc_keyring_state state = check(service);

    *found = 0;
    if (state == MPSC_KEYRING_OK) {
        state = find_item(service, item);
    }
    /* Without a page the price of a session is saved. */
    if (state != MPSC_KEYRING_OK || service->item == NULL) {
        return state;
    }
    *found = 1;
    state = ensure_session(service);
    return state == MPSC_KEYRING_OK ? get_secret(service, service->item, bytes)
                                    : state;
}

enum mpsc_keyring_state
mpsk_service_read_all(struct mpsk_service *service,
                      const struct mpsk_item *item, struct mpsc_secret **all,
                      size_t *count)
{
    char **paths;
    enum mpsc_keyring_state state = check(service);

    *all = NULL;
    *count = 0;
    if (state == MPSC_KEYRING_OK) {
        state = search(service, attributes(item, 1), &paths);
    }
    if (state != MPSC_KEYRING_OK) {
        return state;
    }
    if (paths[0] != NULL) {
        state = ensure_session(service);
    }
    if (state == MPSC_KEYRING_OK && paths[0] != NULL) {
        *count = g_strv_length(paths);
        *all = calloc(*count, sizeof(**all));
        state = *all == NULL ? MPSC_KEYRING_NO_MEMORY
                             : get_all(service, paths, *all);
    }
    g_strfreev(paths);
    if (state != MPSC_KEYRING_OK) {
        mpsk_service_free_all(all, count);
    }
    return state;
}

void
mpsk_service_free_all(struct mpsc_secret **all, size_t *count)
{
    for (size_t i = 0; *all != NULL && i < *count; i++) {
        mpsc_secret_free(&(*all)[i]);
    }
    free(*all);
    *all = NULL;
    *count = 0;
}

static enum mpsc_keyring_state
create_item(struct mpsk_service *service, const struct mpsk_item *item,
            GVariant *secret)
{
    GVariantBuilder properties;
    GVariant *answer;
    const char *prompt;
    char *label = g_strdup_printf("mps-credential page %u", item->page);
    enum mpsc_keyring_state state;

    g_variant_builder_init(&properties, G_VARIANT_TYPE("a{sv}"));
    g_variant_builder_add(&properties, "{sv}", ITEM_INTERFACE ".Label",
                          g_variant_new_string(label));
    g_variant_builder_add(&properties, "{sv}", ITEM_INTERFACE ".Attributes",
                          attributes(item, 0));
    g_free(label);
    state =
        call(service, service->collection, COLLECTION_INTERFACE, "CreateItem",
             g_variant_new("(a{sv}@(oayays)b)", &properties, secret, TRUE),
             "(oo)", &answer);
    if (state != MPSC_KEYRING_OK) {
        return state;
    }
    /* A prompt appears only when it is called, and ends with our
     * connection. */
    g_variant_get(answer, "(&o&o)", NULL, &prompt);
    if (strcmp(prompt, NO_OBJECT) != 0) {
        state = MPSC_KEYRING_LOCKED;
    }
    g_variant_unref(answer);
    return state;
}

enum mpsc_keyring_state
mpsk_service_write(struct mpsk_service *service, const struct mpsk_item *item,
                   const struct mpsc_secret *bytes)
{
    SecretValue *value;
    GVariant *secret;
    GVariant *answer = NULL;
    enum mpsc_keyring_state state = ensure_session(service);

    if (state != MPSC_KEYRING_OK) {
        return state;
    }
    /* Without a destroy function the value borrows the bytes: no copy. */
    value = secret_value_new_full(bytes->data, (gssize)bytes->len,
                                  "application/json", NULL);
    secret = secret_service_encode_dbus_secret(service->session, value);
    secret_value_unref(value);
    if (secret == NULL) {
        return MPSC_KEYRING_NO_MEMORY;
    }
    if (service->item == NULL) {
        return create_item(service, item, secret);
    }
    state = call(service, service->item, ITEM_INTERFACE, "SetSecret",
                 g_variant_new("(@(oayays))", secret), "()", &answer);
    g_clear_pointer(&answer, g_variant_unref);
    return state;
}

void
mpsk_service_close(struct mpsk_service **service)
{
    struct mpsk_service *old = *service;

    if (old == NULL) {
        return;
    }
    *service = NULL;
    g_clear_object(&old->session);
    g_clear_object(&old->bus);
    g_free(old->owner);
    g_free(old->collection);
    g_free(old->item);
    free(old);
}
