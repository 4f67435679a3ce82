"""The families of types: the words by which Alembic tells columns of PostgreSQL apart, for the names types have in code and SQL."""

from __future__ import annotations

FAMILIES: dict[str, str] = {
    name: family
    for family, names in {
        "smallint": "SmallInteger SMALLINT INT2 TINYINT",
        "integer": "Integer INTEGER INTEGERTYPE INT INT4 MEDIUMINT SERIAL",
        "bigint": "BigInteger BIGINT INT8 BIGSERIAL",
        "numeric": "Numeric NUMERIC DECIMAL DEC",
        "float": "Float FLOAT Double DOUBLE DOUBLE_PRECISION FLOAT8",
        "real": "REAL FLOAT4",
        "boolean": "Boolean BOOLEAN BOOL BOOLEANTYPE",
        "string": "String Unicode VARCHAR NVARCHAR VARCHAR2 AutoString STRINGTYPE",
        "char": "CHAR NCHAR",
        "text": "Text UnicodeText TEXT TINYTEXT MEDIUMTEXT LONGTEXT CLOB NTEXT",
        "date": "Date DATE",
        "time": "Time TIME",
        "timestamp": "DateTime DATETIME TIMESTAMP SMALLDATETIME DATETIME2",
        "interval": "Interval INTERVAL",
        "binary": "LargeBinary Binary PickleType BLOB BYTEA BINARY VARBINARY TINYBLOB MEDIUMBLOB LONGBLOB",
        "json": "JSON",
        "jsonb": "JSONB",
        "uuid": "Uuid UUID UNIQUEIDENTIFIER",
        "enum": "Enum ENUM",
        "array": "ARRAY",
        "inet": "INET",
        "cidr": "CIDR",
        "macaddr": "MACADDR",
        "macaddr8": "MACADDR8",
        "tsvector": "TSVECTOR TSVectorType",
        "tsquery": "TSQUERY",
        "hstore": "HSTORE",
        "money": "MONEY",
        "bit": "BIT",
        "oid": "OID",
        "xml": "XML",
        "year": "YEAR",
        "set": "SET",
        "int4range": "INT4RANGE",
        "int8range": "INT8RANGE",
        "numrange": "NUMRANGE",
        "daterange": "DATERANGE",
        "tsrange": "TSRANGE",
        "tstzrange": "TSTZRANGE",
        "citext": "CITEXT CIText",
    }.items()
    for name in names.split()
}
"""Class name of SQLAlchemy and of its dialects → family."""

SIZED = {"string", "char"}
"""Families with a length, the first argument."""

ZONED = {"timestamp": "timestamptz", "time": "timetz"}
"""Family without → with time zone."""

FOREIGN: dict[str, dict[str, tuple[str, int | None]]] = {
    "sqlalchemy_utils": {
        "UUIDType": ("uuid", None),
        "EmailType": ("string", 255),
        "JSONType": ("json", None),
        "ArrowType": ("timestamp", None),
        "EnrichedDateTimeType": ("timestamp", None),
        "EnrichedDateType": ("date", None),
        "PasswordType": ("binary", None),
        "URLType": ("text", None),
        "PhoneNumberType": ("string", 20),
        "CountryType": ("string", 2),
        "LocaleType": ("string", 10),
        "TimezoneType": ("string", 50),
        "IPAddressType": ("string", 50),
        "ColorType": ("string", 20),
        "CurrencyType": ("string", 3),
        "WeekDaysType": ("bit", None),
        "LtreeType": ("ltree", None),
        "ScalarListType": ("text", None),
        "EncryptedType": ("binary", None),
        "StringEncryptedType": ("string", None),
        "DateRangeType": ("daterange", None),
        "DateTimeRangeType": ("tsrange", None),
        "IntRangeType": ("int4range", None),
        "NumericRangeType": ("numrange", None),
    },
    "geoalchemy2": {"Geometry": ("geometry", None), "Geography": ("geography", None), "Raster": ("raster", None)},
    "flask_appbuilder": {"FileColumn": ("text", None), "ImageColumn": ("text", None)},
    "sqlalchemy_utc": {"UtcDateTime": ("timestamptz", None)},
    "sqlalchemy_json": {"MutableJson": ("json", None), "NestedMutableJson": ("json", None)},
    "pgvector": {"Vector": ("vector", None), "VECTOR": ("vector", None), "HALFVEC": ("halfvec", None)},
    "depot": {"UploadedFileField": ("string", 4096)},
}
"""Package → its types, with the length they bring."""
