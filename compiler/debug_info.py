"""DWARF through LLVM metadata: files, functions, lines, locals and the types they have."""

from __future__ import annotations

from collections.abc import Mapping

from compiler.emit_types import escape
from compiler.source import SourceFile, Span
from compiler.symbols import Function, GlobalVar
from compiler.tree import Local
from compiler.type_model import (
    NEVER,
    NONE,
    ArrayType,
    AtomicType,
    BitsType,
    BoolType,
    EnumType,
    FloatType,
    FuncType,
    IntType,
    PtrType,
    SpanType,
    StrType,
    StructType,
    TupleType,
    Type,
    VolatileType,
)

PRODUCER = "ringneck"


class DebugInfo:
    """Numbers metadata nodes and remembers those that can be shared."""

    def __init__(self, directory: str, enums: Mapping[Type, Mapping[str, int]]) -> None:
        self.directory, self.enums = directory, enums
        self.nodes: list[str] = []
        self.files: dict[str, int] = {}
        self.types: dict[Type, int] = {}
        self.locations: dict[tuple[int, int, int], int] = {}
        self.globals: list[int] = []
        self.homes: dict[int, str] = {}  # the file of each subprogram
        self.visits: dict[tuple[int, str], int] = {}
        self.unit = self._node("")

    def _node(self, text: str) -> int:
        self.nodes.append(text)
        return len(self.nodes) - 1

    def finish(self) -> list[str]:
        """The metadata lines of the module."""
        first = self._first_file()
        listed = ", ".join(f"!{number}" for number in self.globals)
        self.nodes[self.unit] = (
            f"distinct !DICompileUnit(language: DW_LANG_C99, file: !{first}, producer: {_text(PRODUCER)}, "
            f"isOptimized: true, runtimeVersion: 0, emissionKind: FullDebug, globals: !{{{listed}}})"
        )
        flags = [
            self._node(f'!{{i32 7, !"Dwarf Version", i32 {4}}}'),
            self._node('!{i32 2, !"Debug Info Version", i32 3}'),
        ]
        lines = [f"!{number} = {text}" for number, text in enumerate(self.nodes)]
        lines.append(f"!llvm.dbg.cu = !{{!{self.unit}}}")
        lines.append("!llvm.module.flags = !{" + ", ".join(f"!{flag}" for flag in flags) + "}")
        return lines

    def _first_file(self) -> int:
        first = next(iter(self.files.values()), None)
        return self._file_node("<none>") if first is None else first

    def file(self, source: SourceFile) -> int:
        if source.path not in self.files:
            self.files[source.path] = self._file_node(source.path)
        return self.files[source.path]

    def _file_node(self, path: str) -> int:
        return self._node(f"!DIFile(filename: {_text(path)}, directory: {_text(self.directory)})")

    def subprogram(self, function: Function) -> int:
        span = function.span
        kinds = ", ".join("null" if t is None else f"!{self.type(t)}" for t in self._signature(function))
        signature = self._node(f"!DISubroutineType(types: !{{{kinds}}})")
        file = self.file(span.file)
        name = f"{function.owner}.{function.name}" if function.owner else function.name
        scope = self._node(
            f"distinct !DISubprogram(name: {_text(name + function.suffix)}, "
            f"linkageName: {_text(function.symbol)}, scope: !{file}, "
            f"file: !{file}, line: {span.line}, type: !{signature}, scopeLine: {span.line}, "
            f"flags: DIFlagPrototyped, spFlags: DISPFlagDefinition | DISPFlagOptimized, unit: !{self.unit})"
        )
        self.homes[scope] = span.file.path
        return scope

    def artificial_subprogram(self, name: str) -> tuple[int, int]:
        """A function that no source holds: its subprogram and a location in it."""
        signature = self._node("!DISubroutineType(types: !{null})")
        file = self._first_file()
        scope = self._node(
            f"distinct !DISubprogram(name: {_text(name)}, linkageName: {_text(name)}, scope: !{file}, file: !{file}, "
            f"type: !{signature}, flags: DIFlagArtificial, spFlags: DISPFlagDefinition | DISPFlagOptimized, "
            f"unit: !{self.unit})"
        )
        return scope, self._node(f"!DILocation(line: 0, scope: !{scope})")

    def _signature(self, function: Function) -> list[Type | None]:
        result = None if function.result in (NONE, NEVER) else function.result
        return [result, *(p.type for p in function.params)]

    def location(self, span: Span, scope: int) -> int:
        scope = self._scope_in_file(scope, span.file)
        key = (span.line, span.column + 1, scope)
        if key not in self.locations:
            self.locations[key] = self._node(f"!DILocation(line: {key[0]}, column: {key[1]}, scope: !{scope})")
        return self.locations[key]

    def _scope_in_file(self, scope: int, file: SourceFile) -> int:
        """A function's scope, or the one for text of another file in it, such as a default value."""
        if self.homes.get(scope, file.path) == file.path:
            return scope
        if (scope, file.path) not in self.visits:
            text = f"!DILexicalBlockFile(scope: !{scope}, file: !{self.file(file)}, discriminator: 0)"
            self.visits[scope, file.path] = self._node(text)
        return self.visits[scope, file.path]

    def variable(self, local: Local, scope: int, argument: int) -> int:
        arg = f"arg: {argument}, " if argument else ""
        return self._node(
            f"!DILocalVariable(name: {_text(local.name)}, {arg}scope: !{scope}, file: !{self.file(local.span.file)}, "
            f"line: {local.span.line}, type: !{self.type(local.type)})"
        )

    def module_data(self, data: GlobalVar) -> int:
        file = self.file(data.span.file)
        variable = self._node(
            f"distinct !DIGlobalVariable(name: {_text(data.symbol)}, scope: !{self.unit}, file: !{file}, "
            f"line: {data.span.line}, type: !{self.type(data.type)}, isLocal: true, isDefinition: true)"
        )
        self.globals.append(self._node(f"!DIGlobalVariableExpression(var: !{variable}, expr: !DIExpression())"))
        return self.globals[-1]

    def type(self, t: Type) -> int:
        if t not in self.types:
            if isinstance(t, StructType):
                self._struct(t)
            else:
                self.types[t] = self._type_node(t)
        return self.types[t]

    def _type_node(self, t: Type) -> int:
        match t:
            case IntType(bits=bits, signed=signed):
                encoding = "DW_ATE_signed" if signed else "DW_ATE_unsigned"
                return self._node(f'!DIBasicType(name: "{t}", size: {bits}, encoding: {encoding})')
            case BoolType():
                return self._node('!DIBasicType(name: "bool", size: 8, encoding: DW_ATE_boolean)')
            case FloatType(bits=bits):
                return self._node(f'!DIBasicType(name: "{t}", size: {bits}, encoding: DW_ATE_float)')
            case PtrType(to=to):
                return self._node(f"!DIDerivedType(tag: DW_TAG_pointer_type, baseType: !{self.type(to)}, size: 64)")
            case ArrayType(of=of, count=count):
                element, bounds = self.type(of), self._node(f"!DISubrange(count: {count})")
                return self._node(
                    f"!DICompositeType(tag: DW_TAG_array_type, baseType: !{element}, size: {t.size * 8}, "
                    f"elements: !{{!{bounds}}})"
                )
            case AtomicType(of=of) | VolatileType(of=of):
                return self.type(of)
            case EnumType():
                return self._enumeration(t)
            case BitsType(unit=unit):
                return self.type(unit)
            case SpanType(of=of):
                return self._slice(str(t), of)
            case StrType():
                return self._slice("str", IntType(8, False))
            case TupleType(items=items):
                members = [(str(i), item, o) for i, (item, o) in enumerate(zip(items, t.offsets, strict=True))]
                return self._composite(str(t), t.size, members)
            case FuncType():
                return self._node('!DIBasicType(name: "Callable", size: 64, encoding: DW_ATE_address)')
        return self._node(f'!DIBasicType(name: "{t}", size: {max(8, t.size * 8)}, encoding: DW_ATE_unsigned)')

    def _enumeration(self, t: EnumType) -> int:
        members = [
            self._node(f"!DIEnumerator(name: {_text(name)}, value: {value}, isUnsigned: true)")
            for name, value in self.enums.get(t, {}).items()
        ]
        elements = ", ".join(f"!{member}" for member in members)
        return self._node(
            f"!DICompositeType(tag: DW_TAG_enumeration_type, name: {_text(str(t))}, baseType: !{self.type(t.of)}, "
            f"size: {t.size * 8}, elements: !{{{elements}}})"
        )

    def _slice(self, name: str, of: Type) -> int:
        return self._composite(name, 16, [("pointer", PtrType(of), 0), ("length", IntType(64, False), 8)])

    def _composite(self, name: str, size: int, members: list[tuple[str, Type, int]]) -> int:
        parts = [self._member(label, kind, offset) for label, kind, offset in members]
        elements = ", ".join(f"!{p}" for p in parts)
        return self._node(
            f"!DICompositeType(tag: DW_TAG_structure_type, name: {_text(name)}, size: {size * 8}, "
            f"elements: !{{{elements}}})"
        )

    def _member(self, name: str, kind: Type, offset: int) -> int:
        return self._node(
            f"!DIDerivedType(tag: DW_TAG_member, name: {_text(name)}, baseType: !{self.type(kind)}, "
            f"size: {kind.size * 8}, offset: {offset * 8})"
        )

    def _struct(self, t: StructType) -> None:
        number = self.types[t] = self._node("")  # members may point back at it
        parts = []
        for field in t.fields.values():
            kind = field.type
            if isinstance(kind, BitsType):
                parts.append(
                    self._node(
                        f"!DIDerivedType(tag: DW_TAG_member, name: {_text(field.name)}, "
                        f"baseType: !{self.type(kind.unit)}, size: {kind.width}, "
                        f"offset: {field.offset * 8 + kind.low}, flags: DIFlagBitField, "
                        f"extraData: i64 {field.offset * 8})"
                    )
                )
            else:
                parts.append(self._member(field.name, kind, field.offset))
        tag = "DW_TAG_union_type" if t.is_union else "DW_TAG_structure_type"
        elements = ", ".join(f"!{p}" for p in parts)
        self.nodes[number] = (
            f"distinct !DICompositeType(tag: {tag}, name: {_text(str(t))}, size: {t.size * 8}, "
            f"elements: !{{{elements}}})"
        )


def _text(value: str) -> str:
    return f'"{escape(value.encode())}"'
