import Commands
import Glibc

exit(await runMuster(Array(CommandLine.arguments.dropFirst())))
