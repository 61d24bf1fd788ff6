"""report: one page that opens from disk, two stores side by side, pictures for a paper."""

import json
import re
import unittest

from support import TrainedModelTest


def document(html):
    """The data of a page."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html,
                                re.DOTALL).group(1))


class Report(TrainedModelTest):

    def setUp(self):
        super().setUp()
        self.succeed("campaign", self.model, "--rates", "0.01,0.05", "--maps", "3", "--images", "100",
                     "--kinds", "flip,stuck0", "--store", "store.db")

    def page(self, *arguments):
        self.succeed("report", *arguments, "--out", "page.html")
        return (self.folder / "page.html").read_text()

    def figure(self, html, name):
        figure = next(one for one in document(html)["figures"] if one["id"] == name)
        return {one["name"]: [one["dict"][i] for i in one["values"]] if "dict" in one
                else one["values"] for one in figure["table"]["columns"]}

    def test_the_page_holds_the_figures_of_the_store(self):
        html = self.page("store.db")
        cells = self.succeed_json("report", "store.db")["subjects"][0]["cells"]
        table = self.figure(html, "accuracy")
        self.assertEqual(list(zip(table["kind"], table["rate"], table["mean"])),
                         [(cell["kind"], cell["rate"], cell["mean"]) for cell in cells])
        self.assertLess(len(html), 3 << 20)

    def test_the_page_is_one_file_without_requests(self):
        html = self.page("store.db")
        self.assertIn("default-src 'none'", html)
        # The chart library's text holds such tags as text; what counts is the page's own markup.
        markup = re.sub(r"(<script[^>]*>).*?</script>", r"\1", html, flags=re.DOTALL)
        self.assertIsNone(re.search(r"<(script|img|iframe)[^>]* src=|<link[^>]*stylesheet", markup))

    def test_the_verdict_is_told_and_the_file_named(self):
        text = self.succeed("report", "store.db", "--html", "page.html")
        self.assertIn("keeps", text)
        self.assertIn("page.html", text)
        self.assertEqual(self.succeed_json("report", "store.db", "--out", "page.html"),
                         {"written": ["page.html"]})

    def test_fault_maps_can_be_chosen(self):
        table = self.figure(self.page("store.db", "--last-map", "2"), "accuracy")
        self.assertEqual(set(table["maps"]), {2})

    def test_two_stores_stand_side_by_side(self):
        self.succeed("campaign", self.model, "--rates", "0.01,0.05", "--maps", "3", "--images", "100",
                     "--store", "other.db")
        self.succeed("report", "--compare", "store.db", "other.db", "--out", "page.html")
        html = (self.folder / "page.html").read_text()
        self.assertEqual(set(self.figure(html, "accuracy")["store"]), {"store", "other"})
        # The same network on the same fault maps: no difference at all.
        self.assertEqual(set(self.figure(html, "comparison")["points"]), {0})

    def test_pictures_for_a_paper(self):
        self.succeed("report", "store.db", "--figures", "figures")
        names = {path.name for path in (self.folder / "figures").iterdir()}
        self.assertEqual(names, {"accuracy.svg", "accuracy-flip.svg", "accuracy-stuck0.svg"})

    def test_a_folder_is_that_of_a_study(self):
        (self.folder / "run").mkdir()
        (self.folder / "store.db").rename(self.folder / "run/faults.db")
        self.assertIn("accuracy", [one["id"] for one in document(self.page("run"))["figures"]])
        self.write("run/summary.json", "{}")
        self.fail_with("report", "run", "--out", "other.html", words=["run/summary.json"])

    def test_analyses_are_shown(self):
        self.write("a.json", '{"format": 1, "analysis": {"label": 3}}')
        self.fail_with("report", "store.db", "--analysis", "a.json", "--out", "page.html",
                       words=["a.json"])
        self.fail_with("report", "store.db", "--analysis", "none.json", "--out", "page.html",
                       words=["none.json"])

    def test_mistakes_cost_one_line(self):
        (self.folder / "empty").mkdir()
        self.fail_with("report", words=["--compare"])
        self.fail_with("report", "empty", "--out", "page.html", words=["empty", "faults.db"])
        self.fail_with("report", "nowhere.db", "--out", "page.html", words=["nowhere.db"])
        self.fail_with("report", "store.db", "--out", "no/page.html", words=["no/page.html"])
        self.fail_with("report", "--compare", "store.db", "store.db", words=["--out"])
        self.fail_with("report", "store.db", "--analysis", "a.json", words=["--out"])
        self.fail_with("report", "--compare", "store.db", "store.db", "--csv", "a.csv",
                       words=["--compare"])
        self.fail_with("report", "store.db", "--only", "nobody", "--out", "page.html",
                       words=["nobody"])

    def test_a_full_disk_leaves_no_page(self):
        self.fail_with("report", "store.db", "--out", "page.html", file_limit=100000,
                       words=["page.html"])


if __name__ == "__main__":
    unittest.main()
