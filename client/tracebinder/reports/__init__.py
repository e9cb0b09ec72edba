"""What a command found, in the forms that CI systems show: JUnit, SARIF, code quality, a summary, annotations."""
