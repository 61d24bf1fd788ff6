"""The command line itself: help, version, and arguments that are none."""

import unittest

from support import CommandLineTest

COMMANDS = ("study", "train", "eval", "attack", "campaign", "report", "store", "show", "silence",
            "doctor")


class Arguments(CommandLineTest):

    def test_help_names_every_command(self):
        text = self.succeed("--help")
        for command in COMMANDS:
            self.assertIn(command, text)

    def test_every_command_has_help_with_an_example(self):
        for command in COMMANDS:
            with self.subTest(command):
                text = self.succeed(command, "--help")
                self.assertIn("Example:\n", text)
                self.assertIn(f"  flatenn {command}", text)
                self.assertIn("--json", text)

    def test_commands_of_a_command_have_help_too(self):
        for command in ("merge", "dump", "check"):
            with self.subTest(command):
                text = self.succeed("store", command, "--help")
                self.assertIn(f"Example:\n  flatenn store {command}", text)
                self.assertIn("--json", text)
                self.assertIn(command, self.succeed("store", "--help"))

    def test_no_command_of_a_command(self):
        self.fail_with("store", words=["no command", "merge", "'flatenn store --help'"])

    def test_unknown_command_of_a_command(self):
        self.fail_with("store", "merg", "x", words=["merg", "did you mean 'merge'?"])

    def test_unknown_option_of_a_command_of_a_command(self):
        self.fail_with("store", "dump", "x.db", "--jsn",
                       words=["store dump", "--jsn", "did you mean '--json'?"])

    def test_version(self):
        self.assertRegex(self.succeed("--version"), r"^flatenn \d+\.\d+\.\d+\n$")

    def test_no_command(self):
        self.fail_with(words=["no command", "campaign", "study"])

    def test_unknown_command(self):
        self.fail_with("campain", words=["campain", "did you mean 'campaign'?"])

    def test_unknown_option(self):
        self.fail_with("doctor", "--jsn", words=["doctor", "--jsn", "did you mean '--json'?"])

    def test_missing_argument(self):
        self.fail_with("show", words=["show", "MODEL"])

    def test_value_that_is_no_number(self):
        self.fail_with("eval", "x.safetensors", "--maps", "many", words=["eval", "many"])

    def test_standard_output_that_is_full(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            self.fail_with("--help", stdout=full, words=["standard output", "disk full"])


class Doctor(CommandLineTest):

    def test_says_what_the_machine_offers(self):
        text = self.succeed("doctor")
        for subject in ("versions", "processor", "int8 path", "BLAS", "threads", "disk"):
            self.assertIn(subject, text)

    def test_json(self):
        findings = self.succeed_json("doctor")["findings"]
        self.assertIn("data fashion-mnist", [finding["what"] for finding in findings])


if __name__ == "__main__":
    unittest.main()
