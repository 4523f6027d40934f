"""A program that prints faster than anybody shows."""
LINES: int = 2000


def main() -> None:
    for number in range(LINES):
        print(f"line {number:04} of many")


if __name__ == "__main__":
    main()
