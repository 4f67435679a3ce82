"""The truth about an application's migrations: upgrade a real, empty database, reflect it, let Alembic compare it.

Runs inside the application's own environment (Python 3.6 and later, any Alembic and SQLAlchemy from 0.9 and 1.1 on), in its folder:

    python truth.py NAME migrations --app module:factory_or_app --database URL --out NAME.json   (Flask-Migrate)
    python truth.py NAME alembic.ini --database URL --out NAME.json                             (Alembic alone)
"""

import argparse
import importlib
import json
import os
import subprocess
import sys

import alembic
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.script import ScriptDirectory

try:
    from alembic.runtime.environment import EnvironmentContext
except ImportError:  # Alembic before 0.8
    from alembic.environment import EnvironmentContext

SYSTEM_SCHEMAS = {"information_schema", "mysql", "performance_schema", "sys", "pg_catalog"}
DATABASE_VARIABLES = ("DATABASE_URL", "DATABASE_URI", "SQLALCHEMY_DATABASE_URI")


def qualified(table, schema=None):
    """A table's name, with its schema where that is not the default one."""
    return f"{schema}.{table}" if schema else str(table)


def name_of(item):
    """The name of a constraint or index, or None where it is left to the database."""
    return str(item.name) if isinstance(item.name, str) else None


def ordered(items):
    return sorted(items, key=lambda item: json.dumps(item, default=str))


def compiled(kind, dialect):
    """A type as the dialect writes it."""
    try:
        return str(kind.compile(dialect=dialect))
    except Exception:  # noqa: BLE001 - a type that the dialect cannot write still has a name
        return str(getattr(kind, "__visit_name__", None) or type(kind).__name__)


def columns_of(items):
    """The names of columns, or the text of expressions."""
    return [str(getattr(item, "name", None) or item) for item in items]


def foreign_key(constraint):
    """Columns, table and columns referred to by a foreign key of the metadata."""
    elements = list(constraint.elements)
    targets = [element.target_fullname.rsplit(".", 1) for element in elements]
    try:
        columns = [element.column for element in elements]
        targets = [(qualified(column.table.name, column.table.schema), column.name) for column in columns]
    except Exception:  # noqa: BLE001, S110 - the table referred to is not in the metadata: its text remains
        pass
    return [[str(element.parent.name) for element in elements], str(targets[0][0]), [str(target[1]) for target in targets]]


def declared(metadatas, dialect):
    """The tables of the application's metadata."""
    tables = {}
    for metadata in metadatas:
        for table in metadata.tables.values():
            uniques = [item for item in table.constraints if isinstance(item, sqlalchemy.UniqueConstraint)]
            keys = [item for item in table.constraints if isinstance(item, sqlalchemy.ForeignKeyConstraint)]
            tables[qualified(table.name, table.schema)] = {
                "columns": {
                    str(column.name): {
                        "type": compiled(column.type, dialect),
                        "nullable": bool(column.nullable),
                        "default": column.server_default is not None,
                        "primary_key": bool(column.primary_key),
                    }
                    for column in table.columns
                },
                "indexes": ordered([name_of(item), columns_of(item.expressions), bool(item.unique)] for item in table.indexes),
                "uniques": ordered([name_of(item), columns_of(item.columns)] for item in uniques),
                "foreign_keys": ordered(foreign_key(item) for item in keys),
            }
    return tables


def has_default(column):
    """Whether the database fills the column, other than by counting up."""
    default = column.get("default")
    counted = default is not None and str(default).startswith("nextval(")
    return bool((default is not None and not counted) or column.get("computed") or column.get("identity"))


def reflected_index(index):
    expressions = index.get("expressions") or index["column_names"]
    columns = [str(name or text) for name, text in zip(index["column_names"], expressions)]  # noqa: B905 - Python 3.10 and later only
    return [index["name"], columns, bool(index["unique"])]


def reflected(connection, dialect, version_table):
    """The tables of the database."""
    inspector = sqlalchemy.inspect(connection)
    default = inspector.default_schema_name
    others = [name for name in inspector.get_schema_names() if name != default and name not in SYSTEM_SCHEMAS]
    if dialect.name not in ("postgresql", "mssql", "oracle"):  # elsewhere a schema is another database
        others = []
    tables = {}
    for schema in [None, *sorted(others)]:
        for table in inspector.get_table_names(schema=schema):
            if table == version_table:
                continue
            primary = inspector.get_pk_constraint(table, schema=schema).get("constrained_columns") or []
            indexes = [item for item in inspector.get_indexes(table, schema=schema) if not item.get("duplicates_constraint")]
            uniques = [item for item in inspector.get_unique_constraints(table, schema=schema) if not item.get("duplicates_index")]
            tables[qualified(table, schema)] = {
                "columns": {
                    str(column["name"]): {
                        "type": compiled(column["type"], dialect),
                        "nullable": bool(column["nullable"]),
                        "default": has_default(column),
                        "primary_key": column["name"] in primary,
                    }
                    for column in inspector.get_columns(table, schema=schema)
                },
                "indexes": ordered(reflected_index(item) for item in indexes),
                "uniques": ordered([item["name"], list(item["column_names"])] for item in uniques),
                "foreign_keys": ordered(
                    [
                        list(item["constrained_columns"]),
                        qualified(item["referred_table"], item.get("referred_schema")),
                        list(item["referred_columns"]),
                    ]
                    for item in inspector.get_foreign_keys(table, schema=schema)
                ),
            }
    return tables


def plain(value, dialect):
    """A value of a difference as JSON has it."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, sqlalchemy.types.TypeEngine):
        return compiled(value, dialect)
    return str(getattr(value, "arg", value))


def difference(item, dialect):
    """One of compare_metadata's tuples as [kind, table, column or None, details...]."""
    kind, first = item[0], item[1]
    if kind in ("add_column", "remove_column"):
        return [kind, qualified(item[2], first), str(item[3].name), compiled(item[3].type, dialect)]
    if kind.startswith("modify_"):
        return [kind, qualified(item[2], first), str(item[3]), plain(item[5], dialect), plain(item[6], dialect)]
    if isinstance(first, sqlalchemy.Table):  # add_table, remove_table, and their comments
        return [kind, qualified(first.name, first.schema), None]
    table = getattr(first, "table", None)
    if table is None:  # another extension's own kind
        return [kind, None, None, *(str(part) for part in item[1:])]
    found = [kind, qualified(table.name, table.schema), None, name_of(first)]
    if isinstance(first, sqlalchemy.ForeignKeyConstraint):
        return [*found, *foreign_key(first)]
    if isinstance(first, sqlalchemy.Index):
        return [*found, columns_of(first.expressions), bool(first.unique)]
    return [*found, columns_of(getattr(first, "columns", []))]


def drift(context, metadata):
    """What Alembic finds between the database and the metadata, flattened."""
    differences = []
    for entry in compare_metadata(context, metadata):
        differences.extend(entry if isinstance(entry, list) else [entry])
    return ordered(difference(item, context.dialect) for item in differences)


class Capture:
    """Stands where env.py's migrations run, and looks instead."""

    def __init__(self, result):
        self.result = result

    def __call__(self, revision, context):
        metadata = context.opts.get("target_metadata")
        version_table = context.opts.get("version_table") or "alembic_version"
        metadatas = metadata if isinstance(metadata, (list, tuple)) else [metadata] if metadata is not None else []
        self.result["dialect"] = context.dialect.name
        self.result["heads"] = sorted(revision) if isinstance(revision, (list, tuple)) else [revision]
        names = ("compare_type", "compare_server_default", "include_schemas")
        self.result["options"] = {name: plain(context.opts.get(name), context.dialect) for name in names}
        self.result.setdefault("migrated", {}).update(reflected(context.connection, context.dialect, version_table))
        self.result.setdefault("models", {}).update(declared(metadatas, context.dialect))
        if metadatas:
            self.result.setdefault("drift", []).extend(drift(context, metadata))
            # env.py's own options may leave types and defaults out: the same once more with both
            context._user_compare_type = context._user_compare_type or True
            context._user_compare_server_default = context._user_compare_server_default or True
            try:
                self.result.setdefault("drift_with_types_and_defaults", []).extend(drift(context, metadata))
            except Exception as error:  # noqa: BLE001 - some old versions fail to compare some defaults
                self.result["drift_with_types_and_defaults_failed"] = repr(error)
        return []


def application(spec):
    """The Flask application that module:name is, or that calling it gives."""
    module, _, name = spec.partition(":")
    found = getattr(importlib.import_module(module), name or "app")
    return found if hasattr(found, "app_context") else found()


def configuration(location, database, app=None):
    """Alembic's configuration, as its own command line or Flask-Migrate's would make it."""
    ini = location if location.endswith(".ini") else os.path.join(location, "alembic.ini")
    options = argparse.Namespace(x=[], autogenerate=False)
    migrate = app.extensions.get("migrate") if app else None
    if migrate and hasattr(getattr(migrate, "migrate", None), "get_config") and not location.endswith(".ini"):
        config = migrate.migrate.get_config(location)
        config.cmd_opts = options
    else:
        config = Config(ini if os.path.exists(ini) else None, cmd_opts=options)
        if not location.endswith(".ini"):
            config.set_main_option("script_location", location)
    if database:
        config.set_main_option("sqlalchemy.url", database.replace("%", "%%"))
    return config


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("location", help="folder with env.py, or an alembic.ini")
    parser.add_argument("--app", help="module:factory_or_app of a Flask application")
    parser.add_argument("--database", help="URL of an empty database")
    parser.add_argument("--out", help="where the JSON goes instead of standard output")
    options = parser.parse_args()

    sys.path.insert(0, os.getcwd())
    if options.database:
        for variable in DATABASE_VARIABLES:
            os.environ[variable] = options.database
    app = application(options.app) if options.app else None
    if app:
        if options.database:
            app.config["SQLALCHEMY_DATABASE_URI"] = options.database
        app.app_context().push()
    config = configuration(options.location, options.database, app)
    command.upgrade(config, "heads")

    commit = subprocess.run(["git", "rev-parse", "HEAD"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    result = {
        "application": options.name,
        "commit": commit.stdout.decode().strip(),
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "alembic": alembic.__version__,
        "sqlalchemy": sqlalchemy.__version__,
    }
    script = ScriptDirectory.from_config(config)
    with EnvironmentContext(config, script, fn=Capture(result), as_sql=False, dont_mutate=True):
        script.run_env()

    text = json.dumps(result, indent=1, sort_keys=True) + "\n"
    if options.out:
        with open(options.out, "w") as file:
            file.write(text)
        kinds = [item[0] for item in result.get("drift", [])]
        counts = ", ".join(f"{kind} {kinds.count(kind)}" for kind in sorted(set(kinds))) or "none"
        sizes = []
        for side in ("migrated", "models"):
            tables = result.get(side, {})
            sizes.append(f"{side} {len(tables)} tables {sum(len(table['columns']) for table in tables.values())} columns")
        print(f"{options.name}: {sizes[0]}, {sizes[1]}, drift: {counts}")
    else:
        print(text)


if __name__ == "__main__":
    main()
