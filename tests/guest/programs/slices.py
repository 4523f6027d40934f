"""Methods of bytes and str that look at a slice or give a part of it."""

import asyncio


def show_text(line: str) -> None:
    print(line.strip(), "|", line.lstrip(), "|", line.rstrip(), "|")
    print(line.startswith("  "), line.endswith("d  "), line == "word", line.strip() == "a word", line != "word")
    print(line.find("wo"), line.find("x"), line.rfind(" "), line.count("o"), line.count(" "), line.find(""))
    print(line.removeprefix("  "), line.strip().removesuffix("rd"), line.removesuffix("zzz"), "|")
    print("\t two\n".strip(), "\t\n ".isspace())


def show_kinds(word: str) -> None:
    print(word, word.isdigit(), word.isalpha(), word.isalnum(), word.isspace())


def show_bytes(data: bytes) -> None:
    print(data.startswith(b"ab"), data.find(b"cab"), data.rfind(b"ab"), data.count(b"ab"), data == b"abcab")
    print(data.decode(), data[1:3].decode(), b"text" == b"text", len(data.strip()))


async def main() -> None:
    show_text("  a word  ")
    show_kinds("12")
    show_kinds("word")
    show_kinds("w0rd")
    show_kinds(" ")
    show_kinds("")
    show_bytes(b"abcab")


if __name__ == "__main__":
    asyncio.run(main())
