/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "doctor_configuration.h"

#include <mps/loader.h>
#include <stdio.h>

#include "src/error.h"

void
cli_doctor_load(struct cli_doctor *doctor)
{
    struct mps_api api;

    doctor->module_error[0] = '\0';
    if (mps_load(&api, MPS_MODULE) != 0) {
        snprintf(doctor->module_error, sizeof(doctor->module_error), "%s",
                 api.load_error);
    }
    mpsc_error_clear(&doctor->loaded);
    mpsc_error_clear(&doctor->prepared);
    if (mpsc_profile_load(doctor->profile_name, NULL, &doctor->profile,
                          &doctor->loaded) == MPS_OK &&
        doctor->root != NULL) {
        (void)mpsc_profile_prepare(doctor->profile, &doctor->prepared);
    }
}

void
cli_doctor_find_place(struct cli_doctor *doctor)
{
    if (doctor->profile != NULL &&
        mpsc_profile_find_place(doctor->profile, &doctor->place) != 0) {
        mpsc_profile_release_unlocked(&doctor->profile);
        mpsc_error_set(&doctor->loaded, MPS_E_NO_MEMORY, "out of memory");
    }
}

void
cli_doctor_unload(struct cli_doctor *doctor)
{
    mpsc_place_free(&doctor->place);
    mpsc_profile_release_unlocked(&doctor->profile);
}

void
cli_doctor_module(struct cli_doctor *doctor,
                  struct cli_doctor_finding *finding)
{
    if (doctor->module_error[0] == '\0') {
        cli_doctor_find(finding, CLI_DOCTOR_OK, "%s can be loaded",
                        MPS_MODULE);
        return;
    }
    cli_doctor_find(finding, CLI_DOCTOR_FAILURE, "%s", doctor->module_error);
    cli_doctor_advise(finding,
                      "install mps-credential again, or point %s to its "
                      "module",
                      MPS_MODULE);
}

void
cli_doctor_configuration(struct cli_doctor *doctor,
                         struct cli_doctor_finding *finding)
{
    const struct mpsc_configuration *options;

    if (doctor->profile == NULL) {
        cli_doctor_find(finding, CLI_DOCTOR_FAILURE, "%s",
                        doctor->loaded.message);
        cli_doctor_advise(finding,
                          "correct that; mps-credential.conf(5) has the keys");
        return;
    }
    options = doctor->profile->configuration;
    cli_doctor_find(finding, CLI_DOCTOR_OK, "solution %s at %s%s%s",
                    options->solution_id, options->base_url,
                    options->profile != NULL ? ", profile " : "",
                    options->profile != NULL ? options->profile : "");
}

/* Under another root a host has what it read before. */
static int
read_secrets(const struct cli_doctor *doctor, struct mps_error *error)
{
    struct mpsc_profile *profile = doctor->profile;
    const struct mpsc_fetch_prepared *prepared =
        atomic_load(&profile->prepared);
    struct mpsc_partner partner;
    int code;

    if (doctor->prepared.code != MPS_OK) {
        *error = doctor->prepared;
        return error->code;
    }
    code = mpsc_partner_read(
        profile->configuration, profile->environment.credentials,
        prepared != NULL ? &prepared->partner : NULL, &partner, error);
    mpsc_partner_free(&partner);
    return code;
}

/* True where a unit's credentials would be needed, which systemd gives to the
 * unit's own processes. */
static int
lacks_credentials(const struct cli_doctor *doctor)
{
    const struct mpsc_configuration *options = doctor->profile->configuration;

    return doctor->profile->environment.credentials == NULL &&
           (options->token_credential != NULL ||
            options->app_secret_credential != NULL);
}

void
cli_doctor_secrets(struct cli_doctor *doctor,
                   struct cli_doctor_finding *finding)
{
    const struct mpsc_configuration *options = doctor->profile->configuration;
    int is_file = options->token_file != NULL;
    struct mps_error error;

    if (lacks_credentials(doctor)) {
        cli_doctor_find(finding, CLI_DOCTOR_NOT_TRIED,
                        "%s is for the processes of a systemd unit",
                        options->token_credential != NULL
                            ? "token_credential"
                            : "app_secret_credential");
        cli_doctor_advise(finding,
                          "while the unit runs: "
                          "CREDENTIALS_DIRECTORY=/run/credentials/UNIT "
                          "mps-credential doctor ...");
        return;
    }
    if (read_secrets(doctor, &error) != MPS_OK) {
        cli_doctor_find(finding, CLI_DOCTOR_FAILURE, "%s", error.message);
        cli_doctor_advise(finding,
                          "let the programs' user read it, and nobody else; "
                          "see %s in mps-credential.conf(5)",
                          is_file ? "token_file" : "token_credential");
        return;
    }
    cli_doctor_find(finding, CLI_DOCTOR_OK, "%s %s can be read%s%s",
                    is_file ? "token_file" : "token_credential",
                    is_file ? options->token_file : options->token_credential,
                    options->app_secret_file != NULL ||
                            options->app_secret_credential != NULL
                        ? ", and the app secret"
                        : "",
                    doctor->root != NULL ? ", before the change of the root"
                                         : "");
}
