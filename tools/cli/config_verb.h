/* SPDX-License-Identifier: MIT */
/* config_verb: the verb config, which shows the configuration in effect. (Not
 * config.h, which is autoconf's.) */
#ifndef CLI_CONFIG_VERB_H
#define CLI_CONFIG_VERB_H

/*
 * mps-credential config: argv[0] is the name for messages, the verb's options
 * follow. Returns the exit status: the code of the ABI, or CLI_EXIT_OUTPUT.
 */
int cli_config(int argc, char **argv);

#endif
