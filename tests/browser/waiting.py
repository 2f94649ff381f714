"""Waiting for what a browser is to show."""

import time


def until(check, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := check():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to pass")


def click(browser, selector, text=""):
    browser.execute_script(
        "[...document.querySelectorAll(arguments[0])].find((one) => one.textContent.includes(arguments[1])).click()",
        selector, text,
    )  # fmt: skip
