/* SPDX-License-Identifier: MIT */
/* doctor_endpoint: the way to the endpoint, step by step, and what it says. */
#ifndef CLI_DOCTOR_ENDPOINT_H
#define CLI_DOCTOR_ENDPOINT_H

#include "doctor_check.h"

cli_doctor_run_fn cli_doctor_limit;
cli_doctor_run_fn cli_doctor_name;
cli_doctor_run_fn cli_doctor_connection;
cli_doctor_run_fn cli_doctor_proxy;
cli_doctor_run_fn cli_doctor_tls;
cli_doctor_run_fn cli_doctor_clock;
cli_doctor_run_fn cli_doctor_answer;
cli_doctor_run_fn cli_doctor_token;
cli_doctor_run_fn cli_doctor_solution;

#endif
