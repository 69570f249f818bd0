// Acknowledges each line that a client sends, and writes them all to a file when it is stopped.

const fs = require("fs");
const net = require("net");
const readline = require("readline");

const SOCKET = "/run/ledger/socket";
const FILE = "/data/ledger";

const lines = [];
const clients = new Set();

const server = net.createServer((client) => {
  clients.add(client);
  client.on("close", () => clients.delete(client));
  client.on("error", (error) => console.error(`ledger: ${error}`));
  readline.createInterface({ input: client }).on("line", (line) => {
    if (!server.listening) return;
    lines.push(line);
    client.write(`${line}\n`);
  });
});

process.once("SIGTERM", () => {
  server.close();
  fs.writeFileSync(FILE, lines.map((line) => `${line}\n`).join(""));
  console.log("ledger: saved");
  for (const client of clients) client.end();
});

fs.rmSync(SOCKET, { force: true });
server.listen(SOCKET, () => console.log("ledger: ready"));
