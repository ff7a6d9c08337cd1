#!/usr/bin/env python3
"""A client of the agent that shares no code with it: python's own ssl and json, STOMP as VDSM's client writes it.

    stomp-client.py HOST PORT CA CERTIFICATE KEY [METHOD [PARAMS]]...

Sends each call and prints its reply, a line each. METHOD `+Host.x` sends without waiting for the reply; `raw:TEXT` sends
bytes; `wait:SECONDS` waits; `leave` ends at once, as an engine that is killed; `poll:METHOD` sends METHOD every 200 ms
until the replies of all `+` calls have come; `events` subscribes to the agent's events, `event` waits for one and prints its
method; `count-events` says whether forty came; `until-closed` waits until the agent closes the connection.
"""
import json, os, select, socket, ssl, sys, threading, time, uuid

host, port, ca, certificate, key = sys.argv[1:6]
context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=ca)
context.check_hostname = False
context.load_cert_chain(certificate, key)
wire = context.wrap_socket(socket.create_connection((host, int(port)), 10))
# One thread reads and another writes, and python's TLS objects are not made for that: records got lost where a session's
# ticket came in during a write. So each takes its turn, and nobody waits for bytes in it.
turn = threading.Lock()
wire.setblocking(False)
queue = str(uuid.uuid4())
replies, events, arrived, closed = {}, [], threading.Condition(), False


def transmit(data):
    with turn:
        wire.settimeout(150)
        try:
            wire.sendall(data)
        finally:
            wire.setblocking(False)


def receive():
    while True:
        with turn:
            try:
                return wire.recv(65536)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
        if not select.select([wire], [], [], 150)[0]:
            raise OSError("nothing came for 150 s")


def send(command, headers, body=""):
    head = "".join(f"{name}:{value}\n" for name, value in headers.items())
    transmit(f"{command}\n{head}\n{body}\0".encode())


def listen():
    global closed
    data = b""
    while True:
        try:
            more = receive()
        except OSError as error:
            print("error:", error, file=sys.stderr)
            more = b""
        if not more:
            break
        data += more
        while True:
            data = data.lstrip(b"\r\n")
            head, blank, rest = data.partition(b"\n\n")
            if not blank:
                break
            lines = head.decode().split("\n")
            headers = dict(line.split(":", 1) for line in lines[1:])
            length = int(headers.get("content-length", rest.find(b"\0")))
            if length < 0 or len(rest) <= length:
                break
            body, data = rest[:length].decode(), rest[length + 1:]
            with arrived:
                if lines[0] == "MESSAGE":
                    reply = json.loads(body)
                    if "id" in reply:
                        replies[reply["id"]] = reply
                    else:
                        events.append(reply["method"])
                else:
                    print(lines[0], headers.get("heart-beat", body), flush=True)
                    replies[lines[0]] = headers
                arrived.notify_all()
    with arrived:
        closed = True
        arrived.notify_all()


def call(method, params):
    name = str(uuid.uuid4())
    request = [{"jsonrpc": "2.0", "method": method, "params": params, "id": name}]
    send("SEND", {"destination": "jms.topic.vdsm_requests", "reply-to": queue}, json.dumps(request))
    return name


def wait(name, seconds=150):
    with arrived:
        arrived.wait_for(lambda: name in replies or closed, seconds)
        if name not in replies:
            print("closed" if closed else "timeout", flush=True)
            sys.exit(3)
        return replies[name]


def show(reply):
    print(json.dumps(reply.get("result", reply.get("error")), sort_keys=True), flush=True)


threading.Thread(target=listen, daemon=True).start()
send("CONNECT", {"accept-version": "1.2", "heart-beat": "0,24000"})
send("SUBSCRIBE", {"destination": queue, "ack": "auto", "id": str(uuid.uuid4())})
words, running = sys.argv[6:], []
while words:
    word = words.pop(0)
    params = json.loads(words.pop(0)) if words and words[0][:1] in "{[" else {}
    if word.startswith("raw:"):
        transmit(word[4:].encode())
    elif word == "leave":
        os._exit(0)
    elif word.startswith("wait:"):
        time.sleep(float(word[5:]))
    elif word == "events":
        send("SUBSCRIBE", {"destination": "jms.queue.events", "ack": "auto", "id": str(uuid.uuid4())})
    elif word == "event":
        with arrived:
            arrived.wait_for(lambda: events or closed, 60)
            print(events.pop(0) if events else "no event", flush=True)
    elif word == "count-events":
        print("fewer than 40 events" if len(events) < 39 else "an event for each change", flush=True)
    elif word == "until-closed":
        with arrived:
            arrived.wait_for(lambda: closed)
        print("the agent closed the connection", flush=True)
        sys.exit(0)
    elif word.startswith("poll:"):
        while not all(name in replies for name in running) and not closed:
            call(word[5:], {})
            time.sleep(0.2)
    elif word.startswith("+"):
        running.append(call(word[1:], params))
    else:
        show(wait(call(word, params)))
for name in running:
    show(wait(name))
send("DISCONNECT", {"receipt": "bye"})
wait("RECEIPT")
