#!/usr/bin/python3
"""Passes requests to a container runtime by CRI, as a kubelet would.

    client.py SOCKET MODULES        MODULES is the folder of what protoc makes of runtime.proto

Requests and answers are records that end with NUL; an empty record ends each of them. A request is the
name of the method, then `field.of.field=value` for each field that is set (appended, if it is a list). An
answer is the same for each field of the response that is not empty, or `error=reason`.
"""
import sys

import grpc

socket, modules = sys.argv[1:]
sys.path.insert(0, modules)
import runtime_pb2  # noqa: E402


def put(message, path, text):
    *parents, name = path.split(".")
    for parent in parents:
        message = getattr(message, parent)
        if hasattr(message, "add"):  # a list of messages: the last is meant, or a first
            message = message[-1] if message else message.add()
        message.SetInParent()  # a message that holds nothing but zeroes is told from none
    field = message.DESCRIPTOR.fields_by_name[name]
    if field.enum_type:
        value = field.enum_type.values_by_name[text].number
    elif field.type == field.TYPE_STRING:
        value = text
    elif field.type == field.TYPE_BOOL:
        value = {"true": True, "false": False}[text]
    else:
        value = int(text)
    if field.label == field.LABEL_REPEATED:
        getattr(message, name).append(value)
    else:
        setattr(message, name, value)


def fields(message, path=""):
    for field, value in message.ListFields():
        if field.message_type and field.message_type.GetOptions().map_entry:
            yield from ((f"{path}{field.name}.{key}", text) for key, text in value.items())
        elif field.message_type:
            yield from fields(value, f"{path}{field.name}.")
        elif field.enum_type:
            yield path + field.name, field.enum_type.values_by_number[value].name
        elif isinstance(value, bytes):
            yield path + field.name, value.decode(errors="replace")
        else:
            yield path + field.name, str(value)


def call(channel, method, *settings):
    request = getattr(runtime_pb2, method + "Request")()
    for setting in settings:
        put(request, *setting.split("=", 1))
    response = getattr(runtime_pb2, method + "Response")
    rpc = channel.unary_unary(
        f"/runtime.v1.{'Image' if 'Image' in method else 'Runtime'}Service/{method}",
        request_serializer=type(request).SerializeToString,
        response_deserializer=response.FromString,
    )
    try:
        return fields(rpc(request, wait_for_ready=True, timeout=120))
    except grpc.RpcError as error:
        return [("error", f"{error.code().name}: {error.details()}")]


def records(stream):
    buffered = b""
    while data := stream.read1():
        *whole, buffered = (buffered + data).split(b"\0")
        yield from (record.decode() for record in whole)


channel = grpc.insecure_channel("unix:" + socket)
request = []
for record in records(sys.stdin.buffer):
    if record:
        request.append(record)
        continue
    for path, text in call(channel, *request):
        sys.stdout.write(f"{path}={text}\0")
    sys.stdout.write("\0")
    sys.stdout.flush()
    request = []
