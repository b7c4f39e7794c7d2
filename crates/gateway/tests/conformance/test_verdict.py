"""The judge, judged: what is not in the list fails, and so does what the list need not allow any more."""

import unittest

from verdict import FAILED, PASSED, SKIPPED, Allowed, Check, judge

LISTED = Allowed("suite", ("lenient",), "removes", "got 204", "RFC 7644 §3.5.2", "wants 200")


def judged(*checks: Check, tenant: str = "lenient", listed: tuple[Allowed, ...] = (LISTED,)):
    return judge("suite", tenant, [Check("passes", PASSED), *checks], list(listed))


class Verdicts(unittest.TestCase):
    def test_what_the_list_covers_is_allowed(self):
        self.assertTrue(judged(Check("removes", FAILED, "wanted 200, got 204")).is_good)

    def test_the_same_check_failing_otherwise_is_not(self):
        report = judged(Check("removes", FAILED, "got 500"))
        self.assertEqual((len(report.refused), len(report.stale), report.is_good), (1, 1, False))

    def test_all_checks_of_one_resource_type_can_be_covered(self):
        entry = Allowed("suite", ("lenient",), "* Role", "405", "RFC 7643 §7", "read-only")
        self.assertTrue(judged(Check("adds Role", FAILED, "405"), listed=(entry,)).is_good)
        for other in (Check("adds Role", FAILED, "500"), Check("adds MyRole", FAILED, "405")):
            self.assertFalse(judged(other, listed=(entry,)).is_good)

    def test_the_same_check_in_another_tenant_is_not(self):
        self.assertFalse(judged(Check("removes", FAILED, "got 204"), tenant="strict").is_good)

    def test_a_check_that_was_skipped_must_be_listed_too(self):
        self.assertFalse(judged(Check("adds", SKIPPED), listed=()).is_good)

    def test_an_entry_that_nothing_fails_any_more_is_stale(self):
        report = judged(Check("removes", PASSED, "got 204"))
        self.assertEqual((report.stale, report.is_good), ([LISTED], False))

    def test_a_suite_that_checked_nothing_has_shown_nothing(self):
        self.assertFalse(judge("suite", "lenient", [], []).is_good)


if __name__ == "__main__":
    unittest.main()
