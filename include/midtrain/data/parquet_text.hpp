#pragma once
// A column of text from Parquet files, through Apache Arrow. Empty unless MIDTRAIN_WITH_ARROW is defined.
#ifdef MIDTRAIN_WITH_ARROW
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <arrow/api.h>
#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI::data::detail {

/// Reads one batch of rows after the other, of the one column that is asked for. An empty cell is an empty text.
class parquet_text {
  public:
    parquet_text(std::string path, std::string const& field) : path_(std::move(path)) {
        auto const file  = value(arrow::io::ReadableFile::Open(path_));
        reader_          = value(parquet::arrow::OpenFile(file, arrow::default_memory_pool()));
        std::shared_ptr<arrow::Schema> schema;
        require(reader_->GetSchema(&schema));
        int const column = schema->GetFieldIndex(field);
        check(column >= 0, [&] { return path_ + ": has no column '" + field + "'"; });
        auto const type = schema->field(column)->type()->id();
        check(type == arrow::Type::STRING || type == arrow::Type::LARGE_STRING,
              [&] { return path_ + ": column '" + field + "' holds " + schema->field(column)->type()->ToString() + ", not text"; });
        std::vector<int> groups(static_cast<std::size_t>(reader_->num_row_groups()));
        for (std::size_t i = 0; i < groups.size(); ++i) groups[i] = static_cast<int>(i);
        batches_ = value(reader_->GetRecordBatchReader(groups, {leaf(field)}));
    }

    std::string const& path() const { return path_; }
    std::int64_t       row() const { return row_; }  ///< of the last text, counted from 1

    std::optional<std::string> next() {
        while (!batch_ || at_ == batch_->num_rows()) {
            require(batches_->ReadNext(&batch_));
            if (!batch_) return std::nullopt;
            at_ = 0;
        }
        ++row_;
        auto const i      = at_++;
        auto const column = batch_->column(0);
        if (column->IsNull(i)) return std::string();
        if (column->type_id() == arrow::Type::STRING) return std::string(static_cast<arrow::StringArray const&>(*column).GetView(i));
        return std::string(static_cast<arrow::LargeStringArray const&>(*column).GetView(i));
    }

  private:
    void require(arrow::Status const& s) const {
        check(s.ok(), [&] { return path_ + ": " + s.message(); });
    }
    template <class T>
    T value(arrow::Result<T> r) const {
        require(r.status());
        return std::move(r).ValueUnsafe();
    }
    /// Number of the column among the leaves of the schema, which is what Parquet counts.
    int leaf(std::string const& field) const { return reader_->parquet_reader()->metadata()->schema()->ColumnIndex(field); }

    std::string                                 path_;
    std::unique_ptr<parquet::arrow::FileReader> reader_;
    std::shared_ptr<arrow::RecordBatchReader>   batches_;
    std::shared_ptr<arrow::RecordBatch>         batch_;
    std::int64_t                                at_ = 0, row_ = 0;
};

}  // namespace midtrain::inline MT_ABI::data::detail
#endif
