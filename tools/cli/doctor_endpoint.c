/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "doctor_endpoint.h"

#include <inttypes.h>
#include <string.h>

#include "doctor_request.h"
#include "src/lifetime.h"
#include "src/state.h"
#include "text.h"

/* Meta takes an appsecret_time that is so far off, and no more. */
#define PROOF_S 300

#define CODE_INVALID_PARAMETER 100
#define CODE_NO_SUCH_PATH 2500

static const struct mpsc_configuration *
options_of(const struct cli_doctor *doctor)
{
    return doctor->profile->configuration;
}

/* Whom the connection is to. */
static const char *
peer_of(const struct cli_doctor *doctor)
{
    const struct mpsc_configuration *options = options_of(doctor);

    return options->proxy != NULL ? options->proxy : options->base_url;
}

static const char *
peer_key(const struct cli_doctor *doctor)
{
    return options_of(doctor)->proxy != NULL ? "proxy" : "base_url";
}

/* --- the limit that the programs of this user know ------------------------
 */

void
cli_doctor_limit(struct cli_doctor *doctor, struct cli_doctor_finding *finding)
{
    const struct mpsc_profile *profile = doctor->profile;
    char digest[MPSC_DIGEST_HEX_SIZE];
    char when[CLI_WHEN_SIZE];
    struct mpsc_shared shared;
    struct mpsc_time now;
    struct mps_error error;
    struct mpsc_state *state = mpsc_state_new(
        options_of(doctor)->base_url, options_of(doctor)->solution_id,
        profile->boot_id, mpsc_clock_system);

    if (state == NULL ||
        mpsc_profile_partner_digest(profile, digest, &error) != MPS_OK) {
        cli_doctor_find(finding, CLI_DOCTOR_FAILURE, "out of memory");
        goto out;
    }
    mpsc_state_look(state, doctor->place.runtime_dir, digest, &shared);
    mpsc_clock_system(&now);
    if (shared.limits.rate.code == MPS_OK ||
        shared.limits.rate.until_ms <= now.boot_ms) {
        cli_doctor_find(finding, CLI_DOCTOR_OK,
                        "the endpoint has set none that lasts");
        goto out;
    }
    cli_text_when(when, sizeof(when),
                  now.wall_s +
                      (shared.limits.rate.until_ms - now.boot_ms + 999) / 1000,
                  now.wall_s);
    cli_doctor_find(finding, CLI_DOCTOR_WARNING,
                    "a rate limit holds until %s: %s", when,
                    shared.limits.rate.message);
    cli_doctor_advise(finding, "wait: each request lengthens it, so none was "
                               "made");
out:
    mpsc_state_free(&state);
}

/* --- the checks -----------------------------------------------------------
 */

void
cli_doctor_name(struct cli_doctor *doctor, struct cli_doctor_finding *finding)
{
    const struct cli_doctor_endpoint *endpoint = cli_doctor_ask(doctor);

    if (endpoint->blamed != CLI_DOCTOR_NAME) {
        cli_doctor_find(finding, CLI_DOCTOR_OK,
                        "there is an address for the host in %s",
                        peer_of(doctor));
        return;
    }
    cli_doctor_find(finding, CLI_DOCTOR_FAILURE,
                    "there is no address for the host in %s: %s",
                    peer_of(doctor), endpoint->detail);
    cli_doctor_advise(finding,
                      "correct %s, or the name service "
                      "(/etc/resolv.conf%s): getent ahosts HOST must answer",
                      peer_key(doctor),
                      doctor->root != NULL ? " in the root" : "");
}

void
cli_doctor_connection(struct cli_doctor *doctor,
                      struct cli_doctor_finding *finding)
{
    const struct cli_doctor_endpoint *endpoint = cli_doctor_ask(doctor);

    if (endpoint->blamed != CLI_DOCTOR_CONNECTION) {
        cli_doctor_find(finding, CLI_DOCTOR_OK, "%s takes connections",
                        peer_of(doctor));
        return;
    }
    cli_doctor_find(finding, CLI_DOCTOR_FAILURE, "%s takes no connection: %s",
                    peer_of(doctor), endpoint->detail);
    cli_doctor_advise(finding,
                      "correct host and port in %s, the route, or the "
                      "firewall",
                      peer_key(doctor));
}

void
cli_doctor_proxy(struct cli_doctor *doctor, struct cli_doctor_finding *finding)
{
    const struct mpsc_configuration *options = options_of(doctor);
    const struct cli_doctor_endpoint *endpoint = cli_doctor_ask(doctor);

    if (options->proxy == NULL) {
        cli_doctor_find(finding, CLI_DOCTOR_OK, "none is configured");
    } else if (endpoint->blamed != CLI_DOCTOR_PROXY) {
        cli_doctor_find(finding, CLI_DOCTOR_OK, "%s lets requests through",
                        options->proxy);
    } else {
        cli_doctor_find(finding, CLI_DOCTOR_FAILURE,
                        "%s doesn't let the request through: %s",
                        options->proxy, endpoint->detail);
        cli_doctor_advise(finding,
                          "have the proxy allow CONNECT to the host and port "
                          "of %s, or correct proxy",
                          options->base_url);
    }
}

void
cli_doctor_tls(struct cli_doctor *doctor, struct cli_doctor_finding *finding)
{
    const struct mpsc_configuration *options = options_of(doctor);
    const struct cli_doctor_endpoint *endpoint = cli_doctor_ask(doctor);
    const char *ca_file =
        options->ca_file != NULL ? options->ca_file : "(the system's)";

    if (endpoint->blamed != CLI_DOCTOR_TLS) {
        cli_doctor_find(finding, CLI_DOCTOR_OK,
                        "the certificate of %s is trusted", options->base_url);
    } else if (endpoint->outcome == MPSC_HTTP_CA_FILE) {
        cli_doctor_find(finding, CLI_DOCTOR_FAILURE,
                        "the certificates to trust can't be read, ca_file %s: "
                        "%s",
                        ca_file, endpoint->detail);
        cli_doctor_advise(finding, "correct ca_file, or let the programs' "
                                   "user read it");
    } else if (endpoint->outcome == MPSC_HTTP_TLS) {
        cli_doctor_find(finding, CLI_DOCTOR_FAILURE, "%s is not trusted: %s",
                        options->base_url, endpoint->detail);
        cli_doctor_advise(finding,
                          "correct ca_file (now %s), the host in base_url, or "
                          "this machine's clock",
                          ca_file);
    } else {
        cli_doctor_find(finding, CLI_DOCTOR_FAILURE,
                        "the connection to %s ended in the handshake: %s",
                        options->base_url, endpoint->detail);
        cli_doctor_advise(finding, "look for a firewall or another program "
                                   "at that port");
    }
}

void
cli_doctor_clock(struct cli_doctor *doctor, struct cli_doctor_finding *finding)
{
    const struct cli_doctor_endpoint *endpoint = cli_doctor_ask(doctor);
    int64_t off = 0;

    if (endpoint->date == 0) {
        cli_doctor_find(finding, CLI_DOCTOR_NOT_TRIED,
                        "there is no answer that has a Date");
        return;
    }
    if (endpoint->date < endpoint->before) {
        off = endpoint->before - endpoint->date;
    } else if (endpoint->date > endpoint->after) {
        off = endpoint->date - endpoint->after;
    }
    if (off < MPSC_LIFETIME_SKEW_S) {
        cli_doctor_find(finding, CLI_DOCTOR_OK,
                        "it is less than %d seconds off the endpoint's",
                        MPSC_LIFETIME_SKEW_S);
        return;
    }
    cli_doctor_find(
        finding, off < PROOF_S ? CLI_DOCTOR_WARNING : CLI_DOCTOR_FAILURE,
        "this machine's clock is %" PRId64 " seconds %s the "
        "endpoint's%s",
        off, endpoint->date < endpoint->before ? "ahead of" : "behind",
        off < PROOF_S ? ", for which the tokens' lives are "
                        "corrected"
                      : ", at which proofs of the app secret are "
                        "refused");
    cli_doctor_advise(finding, "set it, and keep it by NTP");
}

/* Nothing came that could be read. */
static void
find_no_answer(struct cli_doctor *doctor, struct cli_doctor_finding *finding)
{
    const struct cli_doctor_endpoint *endpoint = cli_doctor_ask(doctor);

    cli_doctor_find(finding, CLI_DOCTOR_FAILURE, "%s doesn't answer: %s",
                    options_of(doctor)->base_url, endpoint->detail);
    cli_doctor_advise(finding, "try again later; if it stays so, check "
                               "base_url, and deadline_ms");
}

void
cli_doctor_answer(struct cli_doctor *doctor,
                  struct cli_doctor_finding *finding)
{
    const struct cli_doctor_endpoint *endpoint = cli_doctor_ask(doctor);
    const struct mps_error *error = &endpoint->error;

    if (endpoint->outcome != MPSC_HTTP_ANSWERED) {
        find_no_answer(doctor, finding);
        return;
    }
    if (error->graph_code == CODE_NO_SUCH_PATH) {
        cli_doctor_find(finding, CLI_DOCTOR_FAILURE,
                        "Graph knows no such path: %s", error->message);
        cli_doctor_advise(finding, "correct base_url, or api_version");
        return;
    }
    switch (error->code) {
    case MPS_OK:
    case MPS_E_AUTH:
    case MPS_E_BAD_REQUEST:
    case MPS_E_FORBIDDEN:
    case MPS_E_NOT_FOUND:
    case MPS_E_UNPROCESSABLE:
        cli_doctor_find(finding, CLI_DOCTOR_OK, "%s answers as Graph does",
                        options_of(doctor)->base_url);
        return;
    case MPS_E_RATE_LIMITED:
        cli_doctor_find(finding, CLI_DOCTOR_WARNING,
                        "the endpoint limits the rate: %s", error->message);
        cli_doctor_advise(finding, "wait: each request lengthens it");
        return;
    case MPS_E_SERVER:
        cli_doctor_find(finding, CLI_DOCTOR_FAILURE, "the endpoint fails: %s",
                        error->message);
        cli_doctor_advise(finding, "ask again later; the programs do so by "
                                   "themselves");
        return;
    default:
        cli_doctor_find(finding, CLI_DOCTOR_FAILURE,
                        "%s doesn't answer as Graph does: %s",
                        options_of(doctor)->base_url, error->message);
        cli_doctor_advise(finding, "correct base_url, or proxy");
    }
}

/* How a proof that is wrong, or that an app demands in vain, is answered; none
 * of the documented errors about a business looks like it. */
static int
is_about_proof(const struct mps_error *error)
{
    return error->code == MPS_E_BAD_REQUEST &&
           error->graph_code == CODE_INVALID_PARAMETER &&
           error->graph_subcode == 0 &&
           strcmp(error->type, "GraphMethodException") == 0;
}

void
cli_doctor_token(struct cli_doctor *doctor, struct cli_doctor_finding *finding)
{
    const struct mpsc_configuration *options = options_of(doctor);
    const struct mps_error *error = &cli_doctor_ask(doctor)->error;

    if (error->code == MPS_E_AUTH) {
        cli_doctor_find(finding, CLI_DOCTOR_FAILURE,
                        "the partner's token is refused: %s", error->message);
        cli_doctor_advise(finding,
                          "make a new system-user token at Meta, and replace "
                          "the file");
    } else if (is_about_proof(error)) {
        cli_doctor_find(finding, CLI_DOCTOR_FAILURE,
                        "the proof of the app secret is refused, or missed: "
                        "%s",
                        error->message);
        cli_doctor_advise(finding,
                          options->app_secret_file != NULL ||
                                  options->app_secret_credential != NULL
                              ? "write this app's secret to app_secret_file"
                              : "set app_secret_file");
    } else {
        cli_doctor_find(finding, CLI_DOCTOR_OK,
                        "the partner's token is accepted");
    }
}

/* Of a business that exists the answer is final. */
static void
find_for_business(const struct cli_doctor *doctor,
                  struct cli_doctor_finding *finding)
{
    const struct mps_error *error = &doctor->endpoint.error;

    if (error->code == MPS_E_UNPROCESSABLE) {
        cli_doctor_find(finding, CLI_DOCTOR_WARNING,
                        "it is right, but there is no token for business %s: "
                        "%s",
                        doctor->business, error->message);
        cli_doctor_advise(finding, "have the business share a WhatsApp "
                                   "account with the solution");
        return;
    }
    cli_doctor_find(finding, CLI_DOCTOR_FAILURE,
                    "no token for business %s of solution %s: %s",
                    doctor->business, options_of(doctor)->solution_id,
                    error->message);
    cli_doctor_advise(finding,
                      error->code == MPS_E_FORBIDDEN
                          ? "give the partner's app and token the permission "
                            "for the solution"
                          : "correct solution_id, or the business");
}

void
cli_doctor_solution(struct cli_doctor *doctor,
                    struct cli_doctor_finding *finding)
{
    const struct mps_error *error = &cli_doctor_ask(doctor)->error;

    if (error->code == MPS_OK) {
        cli_doctor_find(finding, CLI_DOCTOR_OK, "solution %s gives tokens",
                        options_of(doctor)->solution_id);
    } else if (doctor->business != NULL) {
        find_for_business(doctor, finding);
    } else {
        cli_doctor_find(finding, CLI_DOCTOR_NOT_TRIED,
                        "a business that doesn't exist was asked for, which "
                        "tells nothing of solution %s",
                        options_of(doctor)->solution_id);
        cli_doctor_advise(finding, "name a customer by --business=ID");
    }
}
